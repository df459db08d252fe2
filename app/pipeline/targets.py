"""Targets of rules, and the ids under which SQL keeps them."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from app.arrays import IntArray
from app.labels import LabelSet
from app.mal.entities import Entity
from app.rules import MetricValues
from app.storage import Connection, register_entities, register_label_sets

_UNKNOWN = -1
_FEWEST_ROWS = 64

# Two ids of a row, as wide as SQL keeps them: there are four times as many rows as series.
_Table = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class NewTargets:
    """Targets without ids: sorted rows by rule, and of each row the ids when they are registered.

    ``tables`` has an array (rows, 2) for each array of rows.
    """

    rows: dict[int, IntArray]
    tables: dict[int, IntArray]
    entities: Mapping[Entity, int]
    label_sets: Mapping[LabelSet, int]

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))


class TargetIds:
    """Ids in SQL of the targets (rule, row) that the rules of one engine write to.

    A row takes eight bytes. Besides, each entity and each label set is remembered with its id:
    rules share them, and what is new in a rule is mostly about an entity that is known.
    """

    def __init__(self) -> None:
        self._ids: dict[int, _Table] = {}
        self._entities: dict[Entity, int] = {}
        self._label_sets: dict[LabelSet, int] = {}

    def register(self, connection: Connection, values: Sequence[MetricValues]) -> NewTargets:
        """Find or insert what targets with values and without ids are made of.

        Properties of their entities are stored, too. Nothing is remembered before ``learn``.
        """
        rows: dict[int, IntArray] = {}
        numbers: dict[int, IntArray] = {}
        entities, label_sets = _Distinct[Entity](_parts), _Distinct[LabelSet](tuple)
        for of_metric in values:
            unknown = self._unknown(of_metric)
            if not len(unknown):
                continue
            found = [of_metric.targets[row] for row in unknown.tolist()]
            rows[of_metric.rule] = unknown
            numbers[of_metric.rule] = np.column_stack(
                (
                    entities.numbers([entity for entity, _ in found]),
                    label_sets.numbers([labels for _, labels in found]),
                )
            )
        described: dict[Entity, Mapping[str, str]] = {}
        for of_metric in values:
            properties = of_metric.properties
            described |= {item: properties[item] for item in entities.among(properties)}
        new = [item for item in entities if item not in self._entities or item in described]
        of_entities = register_entities(connection, new, described) if new else {}
        unknown_labels = [labels for labels in label_sets if labels not in self._label_sets]
        of_labels = register_label_sets(connection, unknown_labels) if unknown_labels else {}
        entity_ids = _ids(entities, of_entities, self._entities)
        label_ids = _ids(label_sets, of_labels, self._label_sets)
        tables = {
            rule: np.column_stack((entity_ids[number[:, 0]], label_ids[number[:, 1]]))
            for rule, number in numbers.items()
        }
        return NewTargets(rows, tables, of_entities, of_labels)

    def ids(self, rule: int, rows: IntArray, new: NewTargets) -> tuple[IntArray, IntArray]:
        """Entity and label set ids of a rule's rows; ``new`` has those not remembered yet."""
        known = self._known(rule, rows).astype(np.int64)
        missing = known[:, 0] == _UNKNOWN
        if missing.any():
            known[missing] = new.tables[rule][np.searchsorted(new.rows[rule], rows[missing])]
        return known[:, 0], known[:, 1]

    def learn(self, new: NewTargets) -> None:
        """Remember ids whose transaction has been committed."""
        self._entities.update(new.entities)
        self._label_sets.update(new.label_sets)
        for rule, rows in new.rows.items():
            self._known(rule, rows)
            self._ids[rule][rows] = new.tables[rule]

    def _unknown(self, of_metric: MetricValues) -> IntArray:
        rows = of_metric.outputs.row
        return np.unique(rows[self._known(of_metric.rule, rows)[:, 0] == _UNKNOWN])

    def _known(self, rule: int, rows: IntArray) -> _Table:
        table = self._ids.get(rule)
        needed = int(rows.max(initial=-1)) + 1
        if table is None or len(table) < needed:
            size = max(needed, _FEWEST_ROWS, 0 if table is None else len(table) * 3 // 2)
            grown = np.full((size, 2), _UNKNOWN, np.int32)
            if table is not None:
                grown[: len(table)] = table
            table = self._ids[rule] = grown
        return table[rows]


Item = TypeVar("Item", Entity, LabelSet)


# All of an entity; the scope's text, as the hash of an enumeration's member is slow.
_parts = attrgetter(
    "scope._value_", *(field.name for field in fields(Entity) if field.name != "scope")
)


class _Distinct(Generic[Item]):
    """Equal things, numbered from 0 in the order in which they come.

    Rules hand over the same object again and again: what it is is asked for once per object.
    ``key`` is equal where things are, and quick to compare.
    """

    def __init__(self, key: Callable[[Item], Hashable]) -> None:
        self._key: Callable[[Item], Hashable] = key
        self._numbers: dict[Hashable, int] = {}
        self._items: list[Item] = []
        self._by_object: dict[int, int] = {}
        self._alive: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def numbers(self, items: Sequence[Item]) -> IntArray:
        """The number of each."""
        objects = list(map(id, items))
        by_object = self._by_object
        for name, item in zip(objects, items, strict=True):
            if name not in by_object:
                number = self._numbers.setdefault(self._key(item), len(self._items))
                if number == len(self._items):
                    self._items.append(item)
                by_object[name] = number
                # What has died would give its place, and so its name, to another object.
                self._alive.append(item)
        return np.fromiter(map(by_object.__getitem__, objects), np.int64, len(objects))

    def among(self, others: Mapping[Item, object]) -> list[Item]:
        """Those that are keys of a mapping."""
        return [item for item in others if self._key(item) in self._numbers]


def _ids(items: _Distinct[Item], new: Mapping[Item, int], known: Mapping[Item, int]) -> IntArray:
    """Their ids, in the order of their numbers."""
    found = (new[item] if item in new else known[item] for item in items)
    return np.fromiter(found, np.int64, len(items))
