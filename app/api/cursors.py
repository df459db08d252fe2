"""Pages of lists: ``limit``, ``cursor`` and ``next`` (docs/adr/0031).

A cursor holds the place in the list's order after which the page begins, never a number of items to
pass over: what is added or goes between two pages makes nothing appear twice or be missed.
"""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, TypeVar

import orjson
from fastapi import Depends, Query, Request

from app.errors import InvalidParameter

T = TypeVar("T")
Place = tuple[object, ...]
"""A position in a list: what its items are ordered by."""

MOST_ITEMS = 10_000
_DIGEST_BYTES = 9
# These may differ from page to page; everything else is part of the question.
_NOT_OF_THE_QUESTION = frozenset({"cursor", "limit", "format"})


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for; without ``limit`` all that is after the cursor."""

    limit: int | None
    after: Place | None
    question: bytes

    def rest(self, items: Sequence[T], order: Callable[[T], Place]) -> Sequence[T]:
        """The items after the cursor, of a list that is sorted by ``order``."""
        if self.after is None:
            return items
        try:
            return items[bisect_right(items, self.after, key=order) :]
        except (TypeError, RecursionError) as error:
            raise _wrong() from error

    def cut(
        self, items: Sequence[T], order: Callable[[T], Place]
    ) -> tuple[Sequence[T], str | None]:
        """The page of a sorted list, and the cursor of the next one if there is more."""
        rest = self.rest(items, order)
        if self.limit is None or len(rest) <= self.limit:
            return rest, None
        return rest[: self.limit], self.cursor(order(rest[self.limit - 1]))

    @property
    def after_id(self) -> int | None:
        """The id after which the page begins, of a list of rows that cursors name by their ids."""
        match self.after:
            case None:
                return None
            case (int(number),):
                return number
        raise _wrong()

    def cursor(self, place: Place) -> str:
        """The cursor of a page that begins after a place."""
        text = orjson.dumps(place)
        return base64.urlsafe_b64encode(_digest(self.question, text) + text).decode().rstrip("=")


def list_page(
    request: Request,
    limit: Annotated[
        int | None, Query(ge=1, le=MOST_ITEMS, description="Most items of a page; default: all")
    ] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> Page:
    """The parameters ``limit`` and ``cursor``."""
    asked = sorted(
        pair for pair in request.query_params.multi_items() if pair[0] not in _NOT_OF_THE_QUESTION
    )
    question = orjson.dumps([request.url.path, asked])
    return Page(limit, None if cursor is None else _place(cursor, question), question)


PageParameter = Annotated[Page, Depends(list_page)]


def _place(cursor: str, question: bytes) -> Place:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise _wrong() from error
    digest, text = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != _digest(question, text):
        raise _wrong()
    try:
        place = orjson.loads(text)
        if isinstance(place, list):
            return _tuples(place)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise _wrong() from error
    raise _wrong()


def _tuples(place: list[object]) -> Place:
    return tuple(_tuples(part) if isinstance(part, list) else part for part in place)


def _digest(question: bytes, text: bytes) -> bytes:
    return blake2b(
        text, digest_size=_DIGEST_BYTES, salt=blake2b(question, digest_size=16).digest()
    ).digest()


def _wrong() -> InvalidParameter:
    return InvalidParameter(
        "cursor",
        "it is not a cursor of this question; give `next` as it came, and all other parameters"
        " but limit and format as they were",
    )
