"""The JSON envelope of a delivery: ``{"requestId", "timestamp", "records": [{"data": base64}]}``.

A record that is not valid base64, or not a record at all, is set aside with its reason; it never
costs its neighbours anything. Only an envelope that cannot be read as a whole is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import pybase64

from app.errors import InvalidRequest

MAX_RECORDS = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UndecodableRecord:
    """A record whose data could not be decoded; ``data`` is what stood in its place."""

    index: int
    detail: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """One delivery.

    ``request_id`` is the body's, None when it has none. ``timestamp_ms`` is when Firehose built the
    request. ``records`` holds (index, bytes) of the records that could be decoded, in order; empty
    records are among them.
    """

    request_id: str | None
    timestamp_ms: int | None
    records: list[tuple[int, bytes]]
    undecodable: list[UndecodableRecord]


class _Record(msgspec.Struct):
    data: str


class _RawRecord(msgspec.Struct):
    data: msgspec.Raw
    """The JSON of the text as it stands in the body, not a copy of it."""


class _Body(msgspec.Struct):
    records: list[_RawRecord]
    requestId: str | None = None  # noqa: N815 - the wire's spelling
    timestamp: int | None = None


class _LooseBody(msgspec.Struct):
    records: list[msgspec.Raw]
    requestId: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815 - the wire's spelling
    timestamp: msgspec.Raw = msgspec.Raw(b"null")


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_loose_body = msgspec.json.Decoder(_LooseBody).decode
_decode_record = msgspec.json.Decoder(_Record).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_integer = msgspec.json.Decoder(int).decode

_QUOTE = b'"'
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def open_envelope(body: bytes) -> Envelope:
    """Read a delivery's JSON body.

    Raises ``InvalidRequest`` when the body is not JSON, has no list of records, or has more than
    10,000 of them.
    """
    try:
        parsed = _decode_body(body)
    except _UNREADABLE:
        return _open_record_by_record(body)
    _check_count(len(parsed.records))
    envelope = Envelope(parsed.requestId, parsed.timestamp, [], [])
    for index, record in enumerate(parsed.records):
        try:
            envelope.records.append((index, _decode_quoted(record.data)))
        except ValueError:
            # Not base64, or spelt with escapes.
            try:
                text = _decode_text(record.data)
            except _UNREADABLE:
                return _open_record_by_record(body)
            _decode_data(envelope, index, text)
    return envelope


def _decode_quoted(raw: msgspec.Raw) -> bytes:
    """The bytes of a JSON text of base64 without escapes. Raises ``ValueError``."""
    quoted = memoryview(raw)
    if quoted[:1] != _QUOTE:
        raise ValueError("not a text")
    return pybase64.b64decode(quoted[1:-1], validate=True)


def _open_record_by_record(body: bytes) -> Envelope:
    """The slow way, taken when any part cannot be read, so that only that part is lost."""
    try:
        parsed = _decode_loose_body(body)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            f"the body is not a Firehose request: {error};"
            ' expected {"requestId": …, "timestamp": …, "records": [{"data": base64}, …]}'
        ) from error
    except _UNREADABLE as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    _check_count(len(parsed.records))
    request_id = _or_none(_decode_text, parsed.requestId)
    timestamp = _or_none(_decode_integer, parsed.timestamp)
    envelope = Envelope(request_id, timestamp, [], [])
    for index, raw in enumerate(parsed.records):
        try:
            record = _decode_record(raw)
        except _UNREADABLE as error:
            detail = f"the record is not an object with a data string: {error}"
            envelope.undecodable.append(UndecodableRecord(index, detail, bytes(raw)))
        else:
            _decode_data(envelope, index, record.data)
    return envelope


def _or_none(decode: Callable[[msgspec.Raw], T], raw: msgspec.Raw) -> T | None:
    try:
        return decode(raw)
    except _UNREADABLE:
        return None


def _decode_data(envelope: Envelope, index: int, data: str) -> None:
    try:
        envelope.records.append((index, pybase64.b64decode(data, validate=True)))
    except ValueError as error:  # binascii.Error is one; non-ASCII text raises ValueError itself.
        detail = f"the record's data is not base64: {error}"
        text = data.encode("utf-8", "surrogatepass")
        envelope.undecodable.append(UndecodableRecord(index, detail, text))


def _check_count(count: int) -> None:
    if count > MAX_RECORDS:
        raise InvalidRequest(
            f"{count} records in one request; Firehose sends at most {MAX_RECORDS}"
        )
