"""The wire: OpenTelemetry 0.7, OpenTelemetry 1.0 and CloudWatch JSON, from records to columns.

The format is recognised per record and, within OpenTelemetry, per point; nothing is configured.
OpenTelemetry's own exporters send whole messages, in protobuf or JSON; they meet the same decoder.
What cannot be decoded comes back as rejections beside the good points. Series are not named here:
each point carries the slot of its raw label bytes in a ``SeriesKeys`` table.
"""

from app.otlp.batch import BatchBuilder, MetricBatch
from app.otlp.decoder import Decoder
from app.otlp.export import (
    Encoding,
    ExportRequest,
    decode_export,
    open_export,
    render_response,
    render_status,
)
from app.otlp.key_table import RawSeries
from app.otlp.keys import BoundKeys, Descriptions, SeriesKeys, SlotTable
from app.otlp.record import decode_record
from app.otlp.rejection import Format, Rejection
from app.otlp.scan import NewSeries

__all__ = [
    "BatchBuilder",
    "BoundKeys",
    "Decoder",
    "Descriptions",
    "Encoding",
    "ExportRequest",
    "Format",
    "MetricBatch",
    "NewSeries",
    "RawSeries",
    "Rejection",
    "SeriesKeys",
    "SlotTable",
    "decode_export",
    "decode_record",
    "open_export",
    "render_response",
    "render_status",
]
