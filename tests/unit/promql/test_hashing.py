"""The hash of label sets: the specification's, over Prometheus' form of labels."""

import pytest

from app.labels import label_set
from app.promql.hashing import hash_of, xxh64


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_xxh64_gives_the_published_values(data: bytes, expected: int) -> None:
    assert xxh64(data) == expected


def test_labels_are_hashed_with_their_lengths() -> None:
    labels = label_set({"__name__": "up", "job": "x" * 300})
    text = b"\x08__name__\x02up\x03job\xff\x2c\x01\x00" + b"x" * 300
    assert hash_of(labels) == xxh64(text)
    assert hash_of(()) == xxh64(b"")
