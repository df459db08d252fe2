"""Who may deliver."""

import hmac
import sys

import pytest

from app.credentials import AccessKeys
from app.errors import Unauthorized
from app.firehose import check_access_key

KEY = "correct horse"
ROTATED = "battery staple"


def accepted(keys: AccessKeys, presented: bytes | None) -> bool:
    try:
        check_access_key(keys, presented)
    except Unauthorized:
        return False
    return True


@pytest.mark.parametrize("presented", [None, b"", b"anything", b"\xff\x00"])
def test_without_keys_every_delivery_is_accepted(presented: bytes | None) -> None:
    keys = AccessKeys([])
    assert not keys.required
    assert accepted(keys, presented)


@pytest.mark.parametrize("presented", [KEY, ROTATED])
def test_each_of_several_keys_is_accepted(presented: str) -> None:
    keys = AccessKeys([KEY, ROTATED])
    assert keys.required
    assert accepted(keys, presented.encode())


@pytest.mark.parametrize(
    "presented",
    [
        None,
        b"",
        b" ",
        b"correct horse ",
        b"correct hors",
        b"Correct horse",
        b"correct horse,battery staple",
        b"correct horse\x00",
        b"\xff\xfe",
        b"x" * 4096,
    ],
)
def test_anything_else_is_refused(presented: bytes | None) -> None:
    assert not accepted(AccessKeys([KEY, ROTATED]), presented)


def test_a_missing_header_is_refused_even_where_the_empty_key_is_configured() -> None:
    keys = AccessKeys([""])
    assert keys.required
    assert not accepted(keys, None)
    assert accepted(keys, b"")


def test_the_refusal_says_whether_the_header_is_missing_or_wrong_and_never_the_key() -> None:
    keys = AccessKeys([KEY])
    with pytest.raises(Unauthorized, match="header is missing") as missing:
        check_access_key(keys, None)
    with pytest.raises(Unauthorized, match="not one of those configured") as wrong:
        check_access_key(keys, b"guess")
    for refusal in (missing.value, wrong.value):
        assert refusal.status == 401
        assert KEY not in refusal.message
        assert "guess" not in refusal.message


def test_a_key_beyond_ascii_is_compared_by_its_utf8_bytes() -> None:
    keys = AccessKeys(["schlüssel-鍵"])
    assert accepted(keys, "schlüssel-鍵".encode())
    assert not accepted(keys, "schlüssel".encode("latin-1"))
    assert not accepted(keys, b"schl\xffssel")


@pytest.mark.parametrize(
    "key", ["x" * 4096, '{"a": "b,c"}', "eyJhbGciOi.J9.x-_", 'quo"te\\', " padded "]
)
def test_a_key_of_any_form_is_compared_verbatim(key: str) -> None:
    keys = AccessKeys([key])
    assert accepted(keys, key.encode())
    assert not accepted(keys, key.encode()[:-1])


@pytest.mark.parametrize("presented", [KEY.encode(), ROTATED.encode(), b"wrong", b"", None])
def test_every_key_is_compared_in_constant_time_whatever_is_presented(
    presented: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    constant_time = hmac.compare_digest

    def counting(known: bytes, digest: bytes) -> bool:
        compared.append(len(known))
        assert len(known) == len(digest)
        return constant_time(known, digest)

    monkeypatch.setattr(sys.modules["app.credentials.keys"].hmac, "compare_digest", counting)
    accepted(AccessKeys([KEY, ROTATED, "a third, longer than the others"]), presented)
    # One length for all of them: the time does not tell how long a key is.
    assert compared == [32, 32, 32]
