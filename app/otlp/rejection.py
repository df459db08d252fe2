"""What could not be decoded, and why."""

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """What a record holds; the values are CloudWatch's names of its output formats."""

    JSON = "json"
    OTLP_0_7 = "opentelemetry0.7"
    OTLP_1_0 = "opentelemetry1.0"
    OTLP = "opentelemetry"
    """OpenTelemetry of a version that the bytes do not tell."""
    UNKNOWN = "unknown"


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


@dataclass(frozen=True, slots=True)
class Rejection:
    """Bytes set aside: a record, a message of it, or a line of it.

    ``record`` is the record's index in the request. ``points`` counts the points known to be lost
    with it, 0 when that cannot be known.
    """

    record: int
    format: Format
    reason: Reason
    detail: str
    data: bytes
    points: int = 0
