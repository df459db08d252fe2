"""The JSON envelope of a delivery: ``{"requestId", "timestamp", "records": [{"data": base64}]}``.

A record that is not valid base64, or not a record at all, is set aside with its reason; it never
costs its neighbours anything. Only an envelope that cannot be read as a whole is refused.
"""

import re
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

    @property
    def parts(self) -> list[bytes]:
        """What it delivers, and nothing of how it was written: equal parts are equal deliveries."""
        set_aside = ",".join(str(record.index) for record in self.undecodable)
        return [
            set_aside.encode("ascii"),
            *(data for _, data in self.records),
            *(record.data for record in self.undecodable),
        ]


class _Record(msgspec.Struct):
    data: str


class _Body(msgspec.Struct):
    records: list[_Record]
    requestId: str | None = None  # noqa: N815 - the wire's spelling
    timestamp: int | None = None


class _RawRecord(msgspec.Struct):
    data: msgspec.Raw


class _LooseBody(msgspec.Struct):
    records: list[msgspec.Raw]
    requestId: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815 - the wire's spelling
    timestamp: msgspec.Raw = msgspec.Raw(b"null")


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_loose_body = msgspec.json.Decoder(_LooseBody).decode
_decode_record = msgspec.json.Decoder(_RawRecord).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_integer = msgspec.json.Decoder(int).decode

_DATA = re.compile(rb'"data"[ \t\n\r]*:[ \t\n\r]*"')
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def open_envelope(body: bytes | bytearray) -> Envelope:
    """Read a delivery's JSON body.

    Raises ``InvalidRequest`` when the body is not JSON, has no list of records, or has more than
    10,000 of them.
    """
    return _open_without_data(body) or _open_record_by_record(body)


def _open_without_data(body: bytes | bytearray) -> Envelope | None:
    """The fast way: JSON is read of what is left when the data has been cut out of it.

    That is a hundredth of the body, and the data goes from where it stands through base64. None
    when anything is not as Firehose writes it; the body has to be read record by record then.
    """
    cut = _cut_data(body)
    if cut is None:
        return None
    rest, data = cut
    try:
        parsed = _decode_body(rest)
    except _UNREADABLE:
        return None
    # Data beside the records, or twice in one of them: which is whose cannot be told.
    if len(parsed.records) != len(data) or any(record.data for record in parsed.records):
        return None
    try:
        decoded = [pybase64.b64decode(text, validate=True) for text in data]
    except ValueError:
        return None
    return Envelope(parsed.requestId, parsed.timestamp, list(enumerate(decoded)), [])


def _cut_data(body: bytes | bytearray) -> tuple[bytes, list[memoryview]] | None:
    """The body with all its ``"data"`` empty, and what stood there; None if it cannot be told.

    Where there is no backslash every quote begins or ends a text. So if the rest is JSON, what was
    cut are values of members called ``data``, all that are texts, and nothing else.
    """
    whole = memoryview(body)
    kept: list[memoryview] = []
    data: list[memoryview] = []
    position = 0
    found = _DATA.search(body)
    while found is not None:
        begin = found.end()
        end = body.find(b'"', begin)
        if end < 0 or len(data) == MAX_RECORDS:
            return None
        kept.append(whole[position:begin])
        data.append(whole[begin:end])
        position = end
        found = _DATA.search(body, end + 1)
    kept.append(whole[position:])
    rest = b"".join(kept)
    return None if b"\\" in rest else (rest, data)


def _open_record_by_record(body: bytes | bytearray) -> Envelope:
    """The slow way, taken when anything is unusual, so that only what cannot be read is lost."""
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
            data = _decode_text(_decode_record(raw).data)
        except _UNREADABLE as error:
            detail = f"the record is not an object with a data string: {error}"
            envelope.undecodable.append(UndecodableRecord(index, detail, bytes(raw)))
        else:
            _decode_data(envelope, index, data)
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
