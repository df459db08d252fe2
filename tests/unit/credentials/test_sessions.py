"""Sessions: what stands for a token, for how long, and that nothing else does."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credentials import AccessKeys, Sessions

READER = "a-reading-token-01"
OPERATOR = "an-operator-token-1"
NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


def sessions(
    readers: tuple[str, ...] = (READER,), operators: tuple[str, ...] = (OPERATOR,), hours: int = 12
) -> Sessions:
    return Sessions(AccessKeys(readers), AccessKeys(operators), hours=hours)


def begun(token: str, made: Sessions | None = None) -> str:
    text = (made or sessions()).begin(token.encode(), NOW_MS)
    assert text is not None
    return text


def test_a_session_is_that_of_its_token() -> None:
    reader, operator = (sessions().find(begun(token), NOW_MS) for token in (READER, OPERATOR))
    assert reader is not None
    assert reader.operator is None
    assert operator is not None
    assert operator.operator is not None
    assert operator.operator.name == "key-1"


@pytest.mark.parametrize("token", ["", "wrong", READER[:-1], READER.upper(), f"{READER} "])
def test_no_session_begins_without_a_token_that_is_accepted(token: str) -> None:
    assert sessions().begin(token.encode(), NOW_MS) is None
    assert sessions((), ()).begin(token.encode(), NOW_MS) is None


def test_every_server_with_the_token_takes_a_session_and_none_without_it() -> None:
    text = begun(READER)
    assert sessions(("another", READER)).find(text, NOW_MS) is not None
    assert sessions(("another",)).find(text, NOW_MS) is None
    assert sessions((), ()).find(text, NOW_MS) is None


def test_a_token_that_is_taken_out_while_serving_ends_its_sessions() -> None:
    readers = AccessKeys([READER, "another"])
    made = Sessions(readers, AccessKeys(()), hours=12)
    first, second = begun(READER, made), begun("another", made)
    readers.replace(["another"])
    assert made.find(first, NOW_MS) is None
    assert made.find(second, NOW_MS) is not None


def test_a_token_that_no_longer_is_an_operators_is_none_in_its_sessions() -> None:
    text = begun(OPERATOR)
    kept = sessions((READER, OPERATOR), ()).find(text, NOW_MS)
    assert kept is not None
    assert kept.operator is None


@pytest.mark.parametrize(
    ("after_ms", "found"),
    [
        (0, True),
        (12 * HOUR_MS - 1, True),
        (12 * HOUR_MS, False),
        (-300_000, True),
        (-300_001, False),
    ],
)
def test_a_session_ends_by_itself(after_ms: int, found: bool) -> None:
    assert (sessions().find(begun(READER), NOW_MS + after_ms) is not None) is found


def test_fewer_hours_count_for_sessions_that_have_begun() -> None:
    text = begun(READER)
    assert sessions(hours=1).find(text, NOW_MS + HOUR_MS) is None


@pytest.mark.parametrize("text", [None, "", "x", "A" * 76, "=" * 76, "ä" * 76, "A" * 100_000])
def test_anything_else_is_no_session(text: str | None) -> None:
    assert sessions().find(text, NOW_MS) is None


def test_two_sessions_of_one_token_differ_and_do_not_hold_it() -> None:
    first, second = begun(READER), begun(READER)
    assert first != second
    assert READER.encode() not in base64.urlsafe_b64decode(first)


SEALED = begun(READER)


@given(place=st.integers(0, len(SEALED) - 1), letter=st.characters(codec="utf-8"))
def test_a_session_with_any_letter_changed_is_none(place: int, letter: str) -> None:
    changed = SEALED[:place] + letter + SEALED[place + 1 :]
    assert (sessions().find(changed, NOW_MS) is not None) is (changed == SEALED)


@given(head=st.binary(min_size=25, max_size=25), seal=st.binary(min_size=32, max_size=32))
def test_bytes_that_were_not_sealed_are_none(head: bytes, seal: bytes) -> None:
    sealed = base64.urlsafe_b64decode(SEALED)
    for content in (head + seal, head + sealed[25:], sealed[:25] + seal):
        if content != sealed:
            assert sessions().find(base64.urlsafe_b64encode(content).decode(), NOW_MS) is None
