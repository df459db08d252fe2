"""CloudWatch's JSON output format: one object per line, one point per object.

``{"metric_stream_name", "account_id", "region", "namespace", "metric_name", "dimensions",
"timestamp", "value": {"count", "sum", "min", "max", …}, "unit"}``; further members of ``value`` are
extra statistics under CloudWatch's names. The period is not transmitted; it is 60 seconds.
"""

import msgspec

from app.errors import WireError
from app.otlp import points
from app.otlp.batch import BatchBuilder
from app.otlp.key_table import RawSeries
from app.otlp.keys import SlotTable
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Format, Losses, Reason, TooManyFaults
from app.otlp.scanned import left_lines

_STANDARD = ("count", "sum", "min", "max")


class _Line(msgspec.Struct):
    account_id: str
    region: str
    namespace: str
    metric_name: str
    dimensions: msgspec.Raw
    timestamp: int
    value: dict[str, float]
    unit: str = "None"
    # Undecoded: whatever stands there must cost nobody a point.
    metric_stream_name: msgspec.Raw = msgspec.Raw(b"")


_decode_line = msgspec.json.Decoder(_Line).decode


def decode_json_lines(record: bytes, keys: SlotTable, into: BatchBuilder, losses: Losses) -> None:
    """Append the points of all lines; a line that is not a point is lost on its own.

    Raises nothing; after ``MOST_FAULTS`` faults of the request the rest of the record is lost.
    """
    for start, line in left_lines(record, keys, into):
        try:
            _decode_point(line, keys, into)
        except WireError as error:
            try:
                into.fault()
            except TooManyFaults as too_many:
                rest = record[start:]
                losses.add(Format.JSON, Reason.TOO_MANY, too_many.message, rest)
                return
            reason = error.reason if isinstance(error, RejectedPoint) else Reason.LABELS
            losses.add(Format.JSON, reason, error.message, line, 1)


def _decode_point(line: bytes, keys: SlotTable, into: BatchBuilder) -> None:
    try:
        point = _decode_line(line)
    except msgspec.ValidationError as error:
        detail = f"the line is JSON, but not a point of a metric stream: {error}"
        raise RejectedPoint(Reason.NOT_METRICS, detail) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedPoint(Reason.JSON, f"the line is not JSON: {error}") from error
    value = point.value
    missing = [name for name in _STANDARD if name not in value]
    if missing:
        raise RejectedPoint(Reason.VALUE, f"value lacks {', '.join(missing)}")
    for name, number in value.items():
        points.finite(number, name)
    extras = [(name, number) for name, number in value.items() if name not in _STANDARD]
    points.check_extras(extras)
    start_ms = points.checked_ms(point.timestamp)
    raw = RawSeries(
        Format.JSON,
        points.SUMMARY,
        f"{point.account_id}\0{point.region}".encode(),
        point.metric_name.encode(),
        point.unit.encode(),
        (point.namespace.encode(), bytes(point.dimensions), bytes(point.metric_stream_name)),
    )
    statistics = value["count"], value["sum"], value["min"], value["max"]
    into.add(keys.slot(raw), start_ms, points.CLOUDWATCH_PERIOD_MS, statistics, extras)
