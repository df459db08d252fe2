"""Targets of rules get the ids of what they are made of, in bulk, on both engines."""

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np
import pytest

from app.arrays import IntArray
from app.catalog import SeriesIdentity
from app.labels import LabelSet
from app.mal import Entity, Scope
from app.mal.emission import Outputs
from app.mal.targets import EntityNumbers, Target, Targets
from app.mal.vocabulary import Vocabulary
from app.pipeline.targets import NewTargets, TargetIds
from app.rules import MetricValues
from app.rules.definitions import MetricDefinition
from app.storage import read_identities, read_label_sets, read_properties, search_entities
from app.storage.series import register_series
from tests.fixtures.house import House, house

# The engine's numbers: equal entities and label sets have equal ones in all rules.
ENTITIES, WORDS = EntityNumbers(), Vocabulary()


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, []) as made:
        yield made


def entity(name: str) -> Entity:
    """An object of its own each time, as each rule makes it."""
    return Entity(Scope.ENDPOINT, "L", "s", endpoint=name, region="r")


def values(
    rule: int, made: Sequence[Target], rows: list[int], properties: dict[Entity, dict[str, str]]
) -> MetricValues:
    targets = Targets(ENTITIES)
    targets.extend(
        WORDS,
        np.array([ENTITIES.number(item) for item, _ in made], np.int32),
        np.array([WORDS.set_of(labels) for _, labels in made], np.int64),
    )
    row: IntArray = np.array(rows, np.int64)
    nothing = np.full(len(rows), np.nan, np.float64)
    definition = MetricDefinition.__new__(MetricDefinition)
    outputs = Outputs(row, nothing, nothing, nothing)
    return MetricValues(definition, rule, targets, outputs, properties)


def commit(inside: House, ids: TargetIds, given: list[MetricValues]) -> NewTargets:
    new = inside.store.write(lambda c: ids.register(c, given))
    ids.learn(new)
    return new


def stored(
    inside: House, ids: TargetIds, of_metric: MetricValues, new: NewTargets
) -> list[tuple[str, dict[str, str]]]:
    """Name of the entity and labels, as SQL has them, of each row."""
    found = ids.ids(of_metric.rule, of_metric.outputs.row, new)
    entity_ids, label_ids = (column.tolist() for column in found)
    with inside.store.read() as connection:
        entities = search_entities(connection)
        labels = read_label_sets(connection, label_ids)
    return [
        (entities[number].endpoint, labels[label])
        for number, label in zip(entity_ids, label_ids, strict=True)
    ]


def test_each_row_gets_the_ids_of_its_own_entity_and_labels(inside: House) -> None:
    ids = TargetIds()
    targets = [[(entity(f"e{n % 7}"), (("l", str(n % 3)),)) for n in range(400)] for _ in range(3)]
    # Rows come in any order, and not all at once.
    rows = [list(range(399, -1, -1)), list(range(0, 400, 2)), [5, 3, 399]]
    first = [values(rule, targets[rule], rows[rule], {}) for rule in range(3)]
    before = inside.store.write(lambda c: ids.register(c, first))
    for of_metric, given in zip(first, rows, strict=True):
        expected = [(f"e{n % 7}", {"l": str(n % 3)}) for n in given]
        assert stored(inside, ids, of_metric, before) == expected
    ids.learn(before)
    assert len(before) == 400 + 200 + 3
    every = [values(rule, targets[rule], list(range(400)), {}) for rule in range(3)]
    new = commit(inside, ids, every)
    assert len(new) == 200 + 397
    for of_metric in every:
        expected = [(f"e{n % 7}", {"l": str(n % 3)}) for n in range(400)]
        assert stored(inside, ids, of_metric, new) == expected
    assert len(commit(inside, ids, every)) == 0
    assert inside.rows("SELECT COUNT(*), MAX(entity_id) FROM entity") == [(7, 7)]
    assert inside.rows("SELECT COUNT(*), MAX(label_set_id) FROM label_set") == [(3, 3)]


def test_what_was_rolled_back_is_registered_again(inside: House) -> None:
    ids = TargetIds()
    given = [values(0, [(entity("a"), ())], [0], {})]

    def register_and_fail(connection: object) -> None:
        ids.register(connection, given)  # type: ignore[arg-type]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        inside.store.write(register_and_fail)
    assert inside.rows("SELECT * FROM entity") == []
    new = commit(inside, ids, given)
    assert stored(inside, ids, given[0], new) == [("a", {})]


def test_properties_of_a_new_targets_entity_are_stored_also_when_it_is_known(
    inside: House,
) -> None:
    ids = TargetIds()
    commit(inside, ids, [values(0, [(entity("a"), ())], [0], {entity("a"): {"os": "linux"}})])
    other = entity("b")
    later = values(1, [(entity("a"), ())], [0], {entity("a"): {"os": "bsd"}, other: {"os": "x"}})
    commit(inside, ids, [later])
    with inside.store.read() as connection:
        assert read_properties(connection, [1, 2]) == {1: {"os": "bsd"}}


def test_digests_of_entities_and_label_sets_stay_what_they_were(inside: House) -> None:
    """A change would make everything in stored databases new."""
    items = [entity('é"\\\n\x7f☃'), Entity(Scope.SERVICE, "L", "\ud800", component=7)]
    labels: list[LabelSet] = [(), (("a", "\u2028"), ("b", "\udfff"))]
    commit(inside, TargetIds(), [values(0, list(zip(items, labels, strict=True)), [0, 1], {})])
    expected = [
        ["endpoint", "L", "s", "", items[0].endpoint, "", "r", "", "", "", "", 0],
        ["service", "L", "\ud800", "", "", "", "", "", "", "", "", 7],
    ]
    assert digests(inside, "entity") == {digest(parts) for parts in expected}
    assert digests(inside, "label_set") == {digest(dict(pairs)) for pairs in labels}


def digests(inside: House, table: str) -> set[bytes]:
    return {bytes(row[0]) for row in inside.rows(f"SELECT digest FROM {table}")}  # type: ignore[call-overload]


def digest(parts: object) -> bytes:
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def test_series_that_exist_behind_the_first_that_do_not_keep_their_ids(inside: House) -> None:
    made = [SeriesIdentity("1", "r", "AWS/X", "m", (("d", str(n)),), "None") for n in range(400)]
    in_order = sorted(made, key=lambda identity: identity.digest)
    last = inside.store.write(lambda c: register_series(c, in_order[300:]))
    # Whoever looks at the first ones alone takes all of them for new.
    every = inside.store.write(lambda c: register_series(c, in_order))
    assert every[300:] == last == list(range(1, 101))
    assert every[:300] == list(range(101, 401))
    with inside.store.read() as connection:
        assert read_identities(connection, every) == dict(zip(every, in_order, strict=True))


def test_thousands_of_series_are_registered_and_found_in_any_order(inside: House) -> None:
    names = ["plain", 'quotes " and \\', "tab\tand line\n", "ünï☃𝄞", ""]
    identities = [
        SeriesIdentity("1", "r", "AWS/X", f"m{n % 9}", (("d", f"{names[n % 5]}{n}"),), "None")
        for n in range(20_000)
    ]
    half = identities[::2]
    first = inside.store.write(lambda c: register_series(c, half))
    every = inside.store.write(lambda c: register_series(c, identities[::-1]))[::-1]
    assert every[::2] == first
    assert sorted(every) == list(range(1, 20_001))
    with inside.store.read() as connection:
        found = read_identities(connection, [*every, 30_000])
    assert [found[number] for number in every] == identities
    assert len(found) == 20_000
