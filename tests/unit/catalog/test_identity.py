"""What makes two points belong to the same series, and what keeps two series apart."""

import itertools
import json
import pickle
import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.catalog import SeriesIdentity
from app.catalog.identity import DIGEST_BYTES, digests_of

BASE = SeriesIdentity(
    "123456789012",
    "us-east-1",
    "AWS/DynamoDB",
    "SuccessfulRequestLatency",
    (("Operation", "GetItem"), ("TableName", "Orders")),
    "Milliseconds",
)


def changed_to(identity: SeriesIdentity, **changes: object) -> SeriesIdentity:
    """The identity with other parts."""
    names = ("account", "region", "namespace", "metric", "dimensions", "unit", "kind")
    parts: dict[str, Any] = {name: getattr(identity, name) for name in names}
    return SeriesIdentity(**(parts | changes))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
dimensions = st.dictionaries(texts, texts, max_size=5).map(lambda pairs: tuple(pairs.items()))
identities = st.builds(
    SeriesIdentity,
    account=texts,
    region=texts,
    namespace=texts,
    metric=texts,
    dimensions=dimensions,
    unit=texts,
    kind=st.sampled_from(["summary", "gauge"]),
)


@pytest.mark.parametrize("order", [*itertools.permutations([("a", "1"), ("b", "2"), ("B", "3")])])
def test_the_order_of_dimensions_does_not_matter(order: tuple[tuple[str, str], ...]) -> None:
    given_in_order = changed_to(BASE, dimensions=order)
    assert given_in_order.dimensions == (("B", "3"), ("a", "1"), ("b", "2"))
    sorted_first = changed_to(BASE, dimensions=(("B", "3"), ("a", "1"), ("b", "2")))
    assert given_in_order == sorted_first
    assert hash(given_in_order) == hash(sorted_first)
    assert given_in_order.digest == sorted_first.digest


@pytest.mark.parametrize(
    "change",
    [
        {"account": "123456789013"},
        {"account": ""},
        {"region": "us-east-2"},
        {"namespace": "AWS/DynamoDb"},
        {"metric": "SuccessfulRequestLatenc"},
        {"unit": "None"},
        {"kind": "gauge"},
        {"dimensions": ()},
        {"dimensions": (("Operation", "GetItem"),)},
        {"dimensions": (("Operation", "GetItem"), ("TableName", "orders"))},
        {"dimensions": (("Operation", "GetItem"), ("Tablename", "Orders"))},
        {"dimensions": (("Operation", "Orders"), ("TableName", "GetItem"))},
        {"dimensions": (*BASE.dimensions, ("x", ""))},
    ],
)
def test_a_change_of_any_field_is_another_series(change: dict[str, object]) -> None:
    changed = changed_to(BASE, **change)
    assert changed != BASE
    assert changed.digest != BASE.digest


AMBIGUOUS = [
    ("a", "bc", "", "", (), ""),
    ("ab", "c", "", "", (), ""),
    ("", "abc", "", "", (), ""),
    ("abc", "", "", "", (), ""),
    ("", "", "abc", "", (), ""),
    ("", "", "", "abc", (), ""),
    ("", "", "", "", (), "abc"),
    ("", "", "a/b", "c", (), ""),
    ("", "", "a", "b/c", (), ""),
    ('a","b', "c", "", "", (), ""),
    ("a", 'b","c', "", "", (), ""),
    ("a\\", '","b', "", "", (), ""),
    ("a\0b", "", "", "", (), ""),
    ("a", "\0b", "", "", (), ""),
    ("", "", "", "m", (("a", "b"),), ""),
    ("", "", "", "m", (("ab", ""),), ""),
    ("", "", "", "m", (("", "ab"),), ""),
    ("", "", "", "m", (("a", ""), ("b", "")), ""),
    ("", "", "", "m", (("a", "b"), ("", "")), ""),
    ("", "", "", "m", (('a","b', ""),), ""),
    ("", "", "", "m", (("a", 'b"],["c'),), ""),
    ("", "", "", "m", (("a", "b"), ("c", "")), ""),
    ("", "", "", "m", (("a", "b],[c"),), ""),
    ("", "", "", "m", (), "u"),
    ("", "", "", "mu", (), ""),
    ("", "", "", '[["a","b"]]', (), ""),
    ("", "", "", "é", (), ""),
    ("", "", "", "e\u0301", (), ""),
    ("", "", "", "\\u00e9", (), ""),
]


def test_text_never_moves_from_one_field_to_another() -> None:
    digests = {SeriesIdentity(*fields).digest for fields in AMBIGUOUS}
    assert len(digests) == len(AMBIGUOUS)


@given(identities, identities)
def test_digests_are_equal_exactly_where_identities_are(
    one: SeriesIdentity, two: SeriesIdentity
) -> None:
    assert (one == two) == (one.digest == two.digest)
    assert len(one.digest) == DIGEST_BYTES


@given(identities, st.sampled_from(["account", "region", "namespace", "metric", "unit"]), texts)
def test_any_change_changes_the_digest(identity: SeriesIdentity, field: str, text: str) -> None:
    assume(getattr(identity, field) != text)
    changed = changed_to(identity, **{field: text})
    assert changed.digest != identity.digest


@given(identities, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_digest(identity: SeriesIdentity, rng: random.Random) -> None:
    shuffled = list(identity.dimensions)
    rng.shuffle(shuffled)
    again = changed_to(identity, dimensions=tuple(shuffled))
    assert (again, again.digest) == (identity, identity.digest)


@given(identities)
def test_dimensions_are_kept_in_sql_as_an_object_that_reads_back(identity: SeriesIdentity) -> None:
    assert tuple(json.loads(identity.dimensions_json).items()) == identity.dimensions


def test_a_digest_stays_what_it_was_in_stored_databases() -> None:
    # A change of the digest would make every stored series a new one.
    assert BASE.digest.hex() == "07b6a8bb48534c5b3286ef00f2314052"
    assert BASE.dimensions_json == '{"Operation":"GetItem","TableName":"Orders"}'


def test_an_identity_is_frozen() -> None:
    with pytest.raises(AttributeError):
        BASE.account = "other"  # type: ignore[misc]


@given(identities)
def test_an_identity_survives_being_printed_and_pickled(identity: SeriesIdentity) -> None:
    for again in (eval(repr(identity)), pickle.loads(pickle.dumps(identity))):  # noqa: S301, S307
        assert (again, again.digest) == (identity, identity.digest)
        assert type(again) is SeriesIdentity


@given(st.lists(identities, max_size=4))
def test_identities_made_of_shared_parts_are_the_same(given_ones: list[SeriesIdentity]) -> None:
    parts = list(zip(*given_ones, strict=True)) or [(), ()]
    assert SeriesIdentity.of_each(*parts) == given_ones
    assert [SeriesIdentity.of(*each) for each in given_ones] == given_ones
    assert digests_of(given_ones) == [each.digest for each in given_ones]
