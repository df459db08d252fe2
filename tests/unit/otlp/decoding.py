"""Reads records through our decoder into values that compare to the last bit."""

import math
import struct
from dataclasses import dataclass

from app.catalog import SeriesIdentity, describe
from app.otlp import (
    BatchBuilder,
    Encoding,
    MetricBatch,
    Rejection,
    SeriesKeys,
    decode_export,
    decode_record,
    open_export,
)


@dataclass(frozen=True)
class Decoded:
    """One point; a missing statistic is None, so that points without it are equal."""

    identity: SeriesIdentity
    start_ms: int
    period_ms: int
    count: float
    total: float
    minimum: float | None
    maximum: float | None
    extras: tuple[tuple[str, float], ...]

    @property
    def statistics(self) -> tuple[float, float, float | None, float | None]:
        return self.count, self.total, self.minimum, self.maximum


def decode(*records: bytes) -> tuple[list[Decoded], list[Rejection]]:
    """Points and rejections of the records of one delivery."""
    keys: SeriesKeys[SeriesIdentity] = SeriesKeys(describe)
    builder = BatchBuilder()
    for index, record in enumerate(records):
        decode_record(index, record, keys, builder)
    batch = builder.build()
    return points_of(batch, keys), list(batch.rejections)


def decode_body(body: bytes, encoding: Encoding) -> tuple[list[Decoded], list[Rejection]]:
    """Points and rejections of the body of an OTLP request. Raises ``InvalidRequest``."""
    keys: SeriesKeys[SeriesIdentity] = SeriesKeys(describe)
    builder = BatchBuilder()
    decode_export(open_export(body, encoding), keys, builder)
    batch = builder.build()
    return points_of(batch, keys), list(batch.rejections)


def assert_holds_only_what_is_lost(rejection: Rejection) -> None:
    """Decoding the set-aside bytes again gives no point, and the same loss."""
    points, (again,) = decode(rejection.data)
    assert points == []
    assert (again.reason, again.points, again.data) == (
        rejection.reason,
        rejection.points,
        rejection.data,
    )


def decode_all(*records: bytes) -> list[Decoded]:
    """Points of records in which nothing is wrong."""
    points, rejections = decode(*records)
    assert rejections == []
    return points


def decode_one(record: bytes) -> Decoded:
    (point,) = decode_all(record)
    return point


def points_of(batch: MetricBatch, keys: SeriesKeys[SeriesIdentity]) -> list[Decoded]:
    extras: list[list[tuple[str, float]]] = [[] for _ in range(len(batch))]
    for row, statistic, value in zip(
        batch.extra_row.tolist(),
        batch.extra_statistic.tolist(),
        batch.extra_value.tolist(),
        strict=True,
    ):
        extras[row].append((batch.statistic_names[statistic], value))
    columns = zip(
        batch.slot.tolist(),
        batch.start_ms.tolist(),
        batch.period_ms.tolist(),
        batch.count.tolist(),
        batch.total.tolist(),
        batch.minimum.tolist(),
        batch.maximum.tolist(),
        extras,
        strict=True,
    )
    return [
        Decoded(
            keys.description(slot),
            start_ms,
            period_ms,
            count,
            total,
            None if math.isnan(minimum) else minimum,
            None if math.isnan(maximum) else maximum,
            tuple(extra),
        )
        for slot, start_ms, period_ms, count, total, minimum, maximum, extra in columns
    ]


def bits(value: float | None) -> bytes | None:
    """The bytes of a double; == would take -0.0 for 0.0."""
    return None if value is None else struct.pack("<d", value)


def bits_of(point: Decoded) -> tuple[object, ...]:
    """Everything about a point, its numbers as bytes."""
    return (
        point.identity,
        point.start_ms,
        point.period_ms,
        *map(bits, point.statistics),
        tuple(sorted((name, bits(value)) for name, value in point.extras)),
    )
