"""One record of a delivery: recognise its format and decode it."""

import re
from typing import Any

from app.otlp.batch import BatchBuilder
from app.otlp.cloudwatch_json import decode_json_lines
from app.otlp.framing import FramingError, split_messages
from app.otlp.keys import SeriesKeys
from app.otlp.protobuf_decoder import decode_message
from app.otlp.rejection import Format, Reason, Rejection

_JSON_OBJECT = re.compile(rb'[ \t\r\n]*\{[ \t]*["}]')
_RESOURCE_METRICS_TAG = 0x0A


def decode_record(index: int, record: bytes, keys: SeriesKeys[Any], into: BatchBuilder) -> None:
    """Append the points of record number ``index`` to ``into``.

    What is not decodable goes to the rejections; bad bytes never raise. An empty record holds
    nothing.
    """
    if not record:
        return
    if _JSON_OBJECT.match(record):
        decode_json_lines(index, record, keys, into)
    else:
        _decode_otlp(index, record, keys, into)


def _decode_otlp(index: int, record: bytes, keys: SeriesKeys[Any], into: BatchBuilder) -> None:
    recognised = False
    try:
        for message in split_messages(record):
            if not message:
                continue
            if not recognised and message[0] != _RESOURCE_METRICS_TAG:
                detail = "the record is neither CloudWatch JSON nor OpenTelemetry metrics"
                into.rejections.append(
                    Rejection(index, Format.UNKNOWN, Reason.NOT_METRICS, detail, record)
                )
                return
            recognised = True
            decode_message(index, message, keys, into)
    except FramingError as error:
        known = Format.OTLP if recognised else Format.UNKNOWN
        reason = Reason.FRAMING if recognised else Reason.NOT_METRICS
        rest = record[error.position :]
        into.rejections.append(Rejection(index, known, reason, error.message, rest))
