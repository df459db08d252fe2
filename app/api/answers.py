"""Answers of lists, in each format, streamed when they are long, with an ETag when they are closed.

An ETag is made of what the answer is made of: values, times, names and the release that words them.
A late point that changes one of these changes it (docs/adr/0031).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson
from fastapi import Request, Response
from starlette.responses import StreamingResponse

import app
from app.api.formats import MEDIA_TYPES, AnswerFormat
from app.api.tables import Table, csv_chunks, ndjson_chunks

CHUNK_BYTES = 256 * 1024
_REVALIDATED = "private, no-cache"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True, slots=True)
class Answer:
    """A list of items, as JSON ``{**head, name: items, "next": …}``, and as a table.

    ``closed`` says that the question's time is over: only points that come late can change it.
    """

    head: Mapping[str, object]
    name: str
    items: Sequence[Mapping[str, Any]]
    table: Table
    next_cursor: str | None = None
    closed: bool = False


def answer_response(request: Request, wanted: AnswerFormat, answer: Answer) -> Response:
    """The answer, or 304 if the client has it already."""
    headers = {"Vary": "Accept"}
    if answer.next_cursor is not None:
        headers["Link"] = f'<{_next_url(request, answer.next_cursor)}>; rel="next"'
    if answer.closed:
        etag = _etag(wanted, answer)
        headers |= {"ETag": etag, "Cache-Control": _REVALIDATED}
        if _is_known(request.headers.getlist("if-none-match"), etag):
            return Response(None, 304, headers)
    media_type = MEDIA_TYPES[wanted]
    chunks = _joined(_pieces(wanted, answer))
    first, second = next(chunks, b""), next(chunks, None)
    if second is None:
        return Response(first, 200, headers, media_type)
    return StreamingResponse(chain((first, second), chunks), 200, headers, media_type)


def _pieces(wanted: AnswerFormat, answer: Answer) -> Iterator[bytes]:
    match wanted:
        case AnswerFormat.CSV:
            return csv_chunks(answer.table)
        case AnswerFormat.NDJSON:
            return ndjson_chunks(answer.table)
        case _:
            return _json_pieces(answer)


def _json_pieces(answer: Answer) -> Iterator[bytes]:
    head = orjson.dumps(answer.head, option=_OPTIONS)[:-1]
    comma = b"," if answer.head else b""
    yield b'%b%b"%b":[' % (head, comma, answer.name.encode())
    for number, item in enumerate(answer.items):
        yield (b"," if number else b"") + orjson.dumps(item, option=_OPTIONS)
    yield b"]"
    if answer.next_cursor is not None:
        yield b',"next":"%b"' % answer.next_cursor.encode()
    yield b"}"


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces put together to chunks worth sending."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _next_url(request: Request, cursor: str) -> str:
    """Relative to this one, since a proxy may have given it another host and path."""
    others = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    return f"?{urlencode([*others, ('cursor', cursor)])}"


def _etag(wanted: AnswerFormat, answer: Answer) -> str:
    digest = blake2b(digest_size=16)
    digest.update(orjson.dumps([app.__version__, wanted, answer.name, answer.next_cursor]))
    for part in (answer.head, answer.items):
        for piece in _canonical(part):
            digest.update(piece)
    return f'"{digest.hexdigest()}"'


def _canonical(value: object) -> Iterator[bytes]:
    """Bytes that differ where two values would be written differently."""
    match value:
        case np.ndarray():
            # A missing number is one number, whatever its bits are.
            column = np.where(np.isnan(value), np.nan, value) if value.dtype.kind == "f" else value
            yield b"[%d:" % len(column)
            yield np.ascontiguousarray(column).tobytes()
        case Mapping():
            yield b"{%d:" % len(value)
            for name, member in value.items():
                yield orjson.dumps(name)
                yield from _canonical(member)
        case list() | tuple():
            yield b"(%d:" % len(value)
            for member in value:
                yield from _canonical(member)
        case _:
            yield orjson.dumps(value)
            yield (
                b"," if not (isinstance(value, float) and np.isinf(value)) else repr(value).encode()
            )


def _is_known(headers: Sequence[str], etag: str) -> bool:
    """Whether If-None-Match has the tag; a proxy that compresses makes a weak one of it."""
    tags = {tag.strip().removeprefix("W/") for header in headers for tag in header.split(",")}
    return "*" in tags or etag in tags
