"""Cursors that somebody made himself: their digest keeps mistakes out, not attackers."""

import base64

import pytest
from fastapi import Request

from app.api.cursors import Page, _digest, list_page
from app.errors import InvalidParameter

ITEMS = [("a", 1), ("b", 2)]


def forged(text: bytes) -> Page:
    """A page after a place that is written as this, with the digest that belongs to it."""
    request = Request({"type": "http", "path": "/x", "query_string": b"", "headers": []})
    question = list_page(request, None, None).question
    cursor = base64.urlsafe_b64encode(_digest(question, text) + text).decode()
    return list_page(request, None, cursor)


def test_a_place_is_a_place_whoever_wrote_it() -> None:
    assert forged(b'["a",1]').rest(ITEMS, tuple) == ITEMS[1:]


@pytest.mark.parametrize(
    "text", [b"[" * 900 + b"]" * 900, b"[" * 5_000, b'{"a":1}', b"5", b'["a",[1]]', b"[null]"]
)
def test_other_places_are_refused(text: bytes) -> None:
    with pytest.raises(InvalidParameter, match="not a cursor of this question"):
        forged(text).rest(ITEMS, tuple)
