"""Keys and tokens as they are written in settings; no fault tells a secret."""

import pytest

from app.credentials import AccessKey, KeyHolder, access_keys_from, tokens_from, weaknesses

BOUND = '[{"key": "k1", "name": "team-a", "accounts": ["111122223333", "012345678901"]}, "k2"]'


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("one", ["one"]),
        ("one, two,", ["one", "two"]),
        ("one\ntwo\r\n", ["one", "two"]),
        ("", []),
        ('["a,b", " padded "]', ["a,b", " padded "]),
        (["a,b", "c"], ["a,b", "c"]),
        ("x" * 4096, ["x" * 4096]),
    ],
)
def test_keys_and_tokens_are_written_alike(written: object, keys: list[str]) -> None:
    assert [key.key for key in access_keys_from(written)] == keys
    assert list(tokens_from(written, "read")) == keys


def test_a_key_may_have_a_name_and_accounts() -> None:
    bound, plain = access_keys_from(BOUND)
    accounts = frozenset({"111122223333", "012345678901"})
    assert bound == AccessKey("k1", KeyHolder("team-a", accounts))
    assert plain == AccessKey("k2", KeyHolder("key-2"))
    assert access_keys_from([{"key": "k"}]) == (AccessKey("k", KeyHolder("key-1")),)
    assert "k1" not in repr(bound)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('["hunter2"', "not a JSON list of access keys"),
        ('{"key": "hunter2"}', "put them in brackets"),
        ('["hunter2", ""]', "access key 2 is empty"),
        ('["hunter2", 5]', "access key 2 is no text"),
        ('["hunter2", null]', "access key 2 is no text"),
        ('["hunter2", "hunter2"]', "given twice"),
        ([{"hunter2": []}], "access key 1 has an unknown member"),
        ([{"name": "a"}], "access key 1 is no text"),
        ([{"key": "hunter2", "name": "a b"}], "the name of access key 1"),
        ([{"key": "hunter2", "name": 1}], "the name of access key 1"),
        ([{"key": "hunter2", "name": "key-2"}, "b"], "two access keys have the same name"),
        ([{"key": "hunter2", "accounts": []}], "leave it out"),
        ([{"key": "hunter2", "accounts": "111122223333"}], "not a list"),
        ([{"key": "hunter2", "accounts": [11122223333]}], "write it in quotes"),
        ([{"key": "hunter2", "accounts": [""]}], "empty"),
        ([{"key": "hunter2", "accounts": ["111122223333 "]}], "outer blanks"),
        (["hunter2" * 1000], "more than 4096"),
        (["hunter2\x00"], "control character"),
        (r'["hunter2\ud800"]', "half a character"),
        ("[" * 100_000, "not a JSON list of access keys"),
        (5, "expected a list"),
    ],
)
def test_what_is_wrong_is_named_without_the_secret(written: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        access_keys_from(written)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("written", ['["hunter2"', '["hunter2", ""]', [{"key": "hunter2"}], 5])
def test_a_wrong_token_is_named_without_it(written: object) -> None:
    with pytest.raises(ValueError, match="read token") as caught:
        tokens_from(written, "read")
    assert "hunter2" not in str(caught.value)


def test_keys_that_can_be_guessed_are_told() -> None:
    strong = "4f1c09a7e3b25d68"
    keys = access_keys_from([{"key": "hunter2", "name": "team-a"}, "ab" * 20, strong])
    told = list(weaknesses(keys, [strong, "token"]))
    assert [text.partition(" and ")[0] for text in told] == [
        "the access key team-a has fewer than 16 characters",
        "the access key key-2 repeats a few characters",
        "read token 2 has fewer than 16 characters",
        "a read token is also an access key: who may deliver can read everything",
    ]
    assert not any("hunter2" in text or strong in text for text in told)
    assert list(weaknesses(access_keys_from([strong]), ["another-long-token"])) == []
    told = list(weaknesses(access_keys_from([strong]), [], [strong, "token"]))
    assert [text.partition(" ha")[0].partition(" is")[0] for text in told] == [
        "operator token 2",
        "an operator token",
    ]
