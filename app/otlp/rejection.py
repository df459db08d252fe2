"""What could not be decoded, and why."""

from dataclasses import dataclass
from enum import StrEnum

from app.errors import WireError


class Format(StrEnum):
    """What a record holds; the values are CloudWatch's names of its output formats."""

    JSON = "json"
    OTLP_0_7 = "opentelemetry0.7"
    OTLP_1_0 = "opentelemetry1.0"
    OTLP = "opentelemetry"
    """OpenTelemetry of a version that the bytes do not tell."""
    OTLP_JSON = "opentelemetry-json"
    """A body of ``POST /v1/metrics``; not a record of Firehose."""
    UNKNOWN = "unknown"


MOST_FAULTS = 100_000
"""Faults of a request that are looked at one by one; then the rest is set aside as it is.

Bad input must not cost much more than good input, and a fault can be as short as two bytes.
"""


class TooManyFaults(WireError):
    """The request has had ``MOST_FAULTS`` faults."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {MOST_FAULTS} faults in one request: the rest was not looked at"
        )


class Reason(StrEnum):
    """Why something was rejected; stable names, used as a label of Hydrant's own metrics."""

    BASE64 = "invalid_base64"
    FRAMING = "invalid_framing"
    PROTOBUF = "invalid_protobuf"
    JSON = "invalid_json"
    NOT_METRICS = "not_metrics"
    LABELS = "invalid_labels"
    TIMESTAMP = "invalid_timestamp"
    VALUE = "invalid_value"
    UNSUPPORTED = "unsupported_type"
    ACCOUNT = "foreign_account"
    """The access key of the delivery is bound to other accounts."""
    TOO_MANY = "too_many_faults"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Bytes of a record that were set aside for one reason: all of it, points of a message, lines.

    ``record`` is the record's index in the request. ``data`` has the form of a record, or with the
    format ``OTLP_JSON`` that of a body, so that it can be decoded again. ``detail`` is about the
    first fault. ``points`` counts the points known to be lost, 0 when that cannot be known.
    """

    record: int
    format: Format
    reason: Reason
    detail: str
    data: bytes
    points: int = 0


class Losses:
    """What one record loses, gathered by format and reason.

    A record of a thousand bad lines is one rejection and not a thousand: bad input must not cost
    more than good input.
    """

    def __init__(self, record: int) -> None:
        self._record = record
        self._gathered: dict[tuple[Format, Reason], tuple[str, list[bytes], list[int]]] = {}

    def add(
        self, format_: Format, reason: Reason, detail: str, data: bytes, points: int = 0
    ) -> None:
        """Set aside bytes that have the form of a record of their own."""
        _, pieces, counts = self._gathered.setdefault((format_, reason), (detail, [], []))
        pieces.append(data)
        counts.append(points)

    def rejections(self) -> list[Rejection]:
        """One for each format and reason."""
        found = []
        for (format_, reason), (detail, pieces, counts) in self._gathered.items():
            data = (b"\n" if format_ is Format.JSON else b"").join(pieces)
            found.append(Rejection(self._record, format_, reason, detail, data, sum(counts)))
        return found
