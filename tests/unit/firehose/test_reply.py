"""The only form of answer that Firehose accepts."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.firehose import render_reply

REQUEST_ID = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f"
# Control characters, lone surrogates and characters outside the Basic Multilingual Plane included.
any_text = st.text(st.characters(codec=None, exclude_categories=()))
MESSAGES = [
    "plain",
    'a "quoted" message',
    "back\\slash",
    "line\nbreak\r\n\tand tab",
    "nul\0 and \x1b[31m escape \x7f",
    "separators \u2028 \u2029 \x85",
    "lone \ud800 surrogate \udfff",
    "ünïcödé 鍵 🔑",
    "bidi \u202e override",
    "'single' <tag> & {brace}",
]


def test_a_reply_without_error_has_two_fields() -> None:
    reply = render_reply(REQUEST_ID, 1_578_090_903_599)
    assert json.loads(reply) == {"requestId": REQUEST_ID, "timestamp": 1_578_090_903_599}


def test_the_timestamp_is_an_integer_on_the_wire() -> None:
    assert b'"timestamp": 1578090903599' in render_reply("r", 1_578_090_903_599)


@pytest.mark.parametrize("message", [None, ""])
def test_no_error_is_no_field(message: str | None) -> None:
    assert set(json.loads(render_reply("r", 1, message))) == {"requestId", "timestamp"}


@pytest.mark.parametrize("message", MESSAGES)
def test_an_error_message_is_the_third_field(message: str) -> None:
    reply = json.loads(render_reply("r", 1, message))
    assert set(reply) == {"requestId", "timestamp", "errorMessage"}
    assert len(reply["errorMessage"]) == len(message)


def test_a_message_keeps_what_is_harmless_in_it() -> None:
    reply = json.loads(render_reply("r", 1, string.printable))
    expected = string.printable.replace('"', "'").replace("\\", "/")
    expected = "".join(" " if character in "\t\n\r\v\f" else character for character in expected)
    assert reply["errorMessage"] == expected


@pytest.mark.parametrize(("given_length", "length"), [(8191, 8191), (8192, 8192), (8193, 8192)])
def test_a_message_is_cut_at_8192_characters(given_length: int, length: int) -> None:
    reply = json.loads(render_reply("r", 1, "é" * given_length))
    assert reply["errorMessage"] == "é" * length


@given(any_text)
def test_no_text_makes_a_message_unsafe(message: str) -> None:
    reply = json.loads(render_reply("r", 1, message))
    shown = reply.get("errorMessage", "")
    assert shown.isprintable()
    assert not set(shown) & {'"', "\\", "\n", "\r"}
    assert len(shown) == len(message) <= 8192


@given(any_text, st.integers(0, 2**53), st.none() | any_text)
def test_any_request_id_is_echoed_exactly_in_ascii(
    request_id: str, now_ms: int, message: str | None
) -> None:
    body = render_reply(request_id, now_ms, message)
    assert body.isascii()
    reply = json.loads(body)
    assert reply["requestId"] == request_id
    assert reply["timestamp"] == now_ms
    assert type(reply["timestamp"]) is int
    assert set(reply) - {"errorMessage"} == {"requestId", "timestamp"}


@pytest.mark.parametrize("request_id", ["", "\ud800", "a\0b", '"', "\\u0041", "鍵🔑", "\x7f\x80"])
def test_a_strange_request_id_is_echoed_exactly(request_id: str) -> None:
    assert json.loads(render_reply(request_id, 1))["requestId"] == request_id


def test_the_longest_legal_reply_is_below_one_mebibyte() -> None:
    # A header line of 64 KiB is more than servers let through.
    assert len(render_reply("\x7f" * 65_536, 2**53, "🔑" * 100_000)) < 1024 * 1024
