"""What is fuzzed, and what must hold whatever the bytes are."""

from collections.abc import Callable, Mapping

import numpy as np

from app.catalog import SeriesIdentity, describe
from app.errors import HydrantError, QuerySyntaxError
from app.firehose import inflate, open_envelope
from app.otlp import BatchBuilder, Encoding, MetricBatch, SeriesKeys, decode_export, decode_record
from app.otlp import open_export as read_export
from app.promql.parsing import bind, format_expression, parse
from app.promql.parsing.cursor import MAX_LENGTH

Target = Callable[[bytes], None]


def record(data: bytes) -> None:
    """A record is decoded or set aside; nothing is raised."""
    keys = SeriesKeys(describe)
    builder = BatchBuilder()
    decode_record(0, data, keys, builder)
    _check(builder.build(), keys)


def export(encoding: Encoding, data: bytes) -> None:
    """A request is read or refused; what is read is decoded or set aside."""
    keys = SeriesKeys(describe)
    builder = BatchBuilder()
    try:
        request = read_export(data, encoding)
    except HydrantError as error:
        _check_told(error)
        return
    decode_export(request, keys, builder)
    _check(builder.build(), keys)


def envelope(data: bytes | bytearray) -> None:
    """A body is refused as a whole, or every record in it is decoded or set aside."""
    try:
        opened = open_envelope(data)
    except HydrantError as error:
        _check_told(error)
        return
    for undecodable in opened.undecodable:
        assert undecodable.detail
    for _, data_of_record in opened.records:
        record(data_of_record)


def gzip(data: bytes) -> None:
    """A compressed body is inflated within its limit, or refused."""
    try:
        body = inflate(data, "gzip")
    except HydrantError as error:
        _check_told(error)
        return
    envelope(body)


def query(data: bytes) -> None:
    """An expression is refused with a place, or printed as one that is read as the same."""
    try:
        expression = parse(data.decode("utf-8", "surrogateescape"))
    except QuerySyntaxError as error:
        _check_placed(error)
        return
    printed = format_expression(expression)
    if len(printed) <= MAX_LENGTH:
        assert format_expression(parse(printed)) == printed
    try:
        bind(expression, 0, 3_600_000, 60_000)
    except QuerySyntaxError as error:
        _check_told(error)


def _check_placed(error: QuerySyntaxError) -> None:
    _check_told(error)
    assert error.line > 0
    assert error.column > 0


def _check_told(error: HydrantError) -> None:
    assert error.message


def _check(batch: MetricBatch, keys: SeriesKeys[SeriesIdentity]) -> None:
    size = len(batch)
    for column in (batch.slot, batch.start_ms, batch.period_ms, batch.count, batch.total):
        assert len(column) == size
    assert not np.isnan(batch.count).any()
    assert not np.isnan(batch.total).any()
    assert ((batch.slot >= 0) & (batch.slot < len(keys))).all()
    assert ((batch.extra_row >= 0) & (batch.extra_row < size)).all()
    for rejection in batch.rejections:
        assert rejection.data
        assert rejection.detail
        assert rejection.points >= 0


TARGETS: Mapping[str, Target] = {
    "json": record,
    "opentelemetry0.7": record,
    "opentelemetry1.0": record,
    Encoding.PROTOBUF.value: lambda data: export(Encoding.PROTOBUF, data),
    Encoding.JSON.value: lambda data: export(Encoding.JSON, data),
    "envelope": envelope,
    "gzip": gzip,
    "promql": query,
}
"""By the kind of input that they take, see ``tests.fuzz.seeds``."""
