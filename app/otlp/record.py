"""One record of a delivery: recognise its format and decode it."""

import re

from app.otlp.batch import BatchBuilder
from app.otlp.cloudwatch_json import decode_json_lines
from app.otlp.framing import FramingError
from app.otlp.keys import SlotTable
from app.otlp.protobuf_decoder import decode_message
from app.otlp.rejection import MOST_FAULTS, Format, Losses, Reason, TooManyFaults
from app.otlp.scanned import LeftMessages

_JSON_OBJECT = re.compile(rb'[ \t\r\n]*\{[ \t]*["}]')
_JSON_LINE = re.compile(rb'^[ \t]*\{[ \t]*"', re.MULTILINE)
_RESOURCE_METRICS_TAG = 0x0A


def decode_record(index: int, record: bytes, keys: SlotTable, into: BatchBuilder) -> None:
    """Append the points of record number ``index`` to ``into``.

    What is not decodable goes to the rejections; bad bytes never raise. An empty record holds
    nothing.
    """
    losses = Losses(index)
    if into.faults > MOST_FAULTS:
        too_many = TooManyFaults().message
        losses.add(Format.UNKNOWN, Reason.TOO_MANY, too_many, record)
    elif _JSON_OBJECT.match(record):
        decode_json_lines(record, keys, into, losses)
    else:
        _decode_otlp(record, keys, into, losses)
    into.rejections += losses.rejections()
    into.records.append((index, len(into.slot)))


def _decode_otlp(record: bytes, keys: SlotTable, into: BatchBuilder, losses: Losses) -> None:
    recognised = False
    left = LeftMessages(record, keys, into)
    try:
        for message in left:
            if not message:
                continue
            recognised = recognised or left.taken > 0
            if not recognised and message[0] != _RESOURCE_METRICS_TAG:
                _decode_unrecognised(record, "it holds another kind of message", keys, into, losses)
                return
            recognised = True
            decode_message(message, keys, into, losses)
    except TooManyFaults as error:
        losses.add(Format.UNKNOWN, Reason.TOO_MANY, error.message, record)
    except FramingError as error:
        if recognised or left.taken:
            rest = record[error.position :]
            losses.add(Format.OTLP, Reason.FRAMING, error.message, rest)
        else:
            _decode_unrecognised(record, error.message, keys, into, losses)


def _decode_unrecognised(
    record: bytes, detail: str, keys: SlotTable, into: BatchBuilder, losses: Losses
) -> None:
    """A record that does not begin like either format may still hold lines of JSON."""
    if _JSON_LINE.search(record):
        decode_json_lines(record, keys, into, losses)
        return
    neither = f"the record is neither CloudWatch JSON nor OpenTelemetry metrics: {detail}"
    losses.add(Format.UNKNOWN, Reason.NOT_METRICS, neither, record)
