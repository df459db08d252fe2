"""Targets of rules, and the ids under which SQL keeps them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from app.arrays import IntArray, ascending
from app.labels import LabelSet
from app.mal.entities import Entity
from app.mal.targets import Targets
from app.rules import MetricValues
from app.storage import Connection, register_entities, register_label_sets

_UNKNOWN = -1
_FEWEST_ROWS = 64
_NO_ROWS = np.empty(0, np.int64)

# As wide as SQL keeps ids: there are four times as many rows as series.
_Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class NewTargets:
    """Targets without ids: sorted rows by rule, and of each row the ids when they are registered.

    ``tables`` has an array (rows, 2) for each array of rows. ``entities`` and ``label_sets`` have
    the ids of what was not known, by the number that the engine gives it.
    """

    rows: dict[int, IntArray]
    tables: dict[int, IntArray]
    entities: Mapping[int, int]
    label_sets: Mapping[int, int]

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))


class TargetIds:
    """Ids in SQL of the targets (rule, row) that the rules of one engine write to.

    A row takes eight bytes, and an entity or a label set four: the engine numbers them, equal ones
    alike in all rules, and what is new in a rule is mostly about an entity that is known. Objects
    are asked for only of entities and label sets that SQL has to be asked about.
    """

    def __init__(self) -> None:
        self._ids: dict[int, _Ids] = {}
        # Rows that all have ids, by rule: most often those of the next minute.
        self._complete: dict[int, IntArray] = {}
        self._entities: _Ids = np.empty(0, np.int32)
        self._label_sets: _Ids = np.empty(0, np.int32)

    def register(self, connection: Connection, values: Sequence[MetricValues]) -> NewTargets:
        """Find or insert what targets with values and without ids are made of.

        Properties of their entities are stored, too. Nothing is remembered before ``learn``.
        """
        rows: dict[int, IntArray] = {}
        numbers: list[tuple[IntArray, IntArray]] = []
        of_entity: list[tuple[Targets, IntArray]] = []
        of_labels: list[tuple[Targets, IntArray]] = []
        for of_metric in values:
            unknown = self._unknown(of_metric)
            if not len(unknown):
                continue
            rows[of_metric.rule] = unknown
            entity, label_set = of_metric.targets.numbers(unknown)
            numbers.append((entity, label_set))
            of_entity.append((of_metric.targets, entity))
            of_labels.append((of_metric.targets, label_set))
        if not rows:
            return NewTargets({}, {}, {}, {})
        described = _described(values, of_entity)
        entities = _missing(of_entity, self._entities, Targets.entity)
        label_sets = _missing(of_labels, self._label_sets, Targets.label_set)
        new_entities = _registered_entities(connection, entities, described)
        new_label_sets = _registered_label_sets(connection, label_sets)
        entity_ids = _with(self._entities, new_entities)
        label_ids = _with(self._label_sets, new_label_sets)
        tables = {
            rule: np.column_stack((entity_ids[entity], label_ids[label_set])).astype(np.int64)
            for rule, (entity, label_set) in zip(rows, numbers, strict=True)
        }
        return NewTargets(rows, tables, new_entities, new_label_sets)

    def ids(self, rule: int, rows: IntArray, new: NewTargets) -> tuple[IntArray, IntArray]:
        """Entity and label set ids of a rule's rows; ``new`` has those not remembered yet."""
        known = self._known(rule, rows).astype(np.int64)
        missing = known[:, 0] == _UNKNOWN
        if missing.any():
            known[missing] = new.tables[rule][np.searchsorted(new.rows[rule], rows[missing])]
        return known[:, 0], known[:, 1]

    def learn(self, new: NewTargets) -> None:
        """Remember ids whose transaction has been committed."""
        self._entities = _with(self._entities, new.entities)
        self._label_sets = _with(self._label_sets, new.label_sets)
        for rule, rows in new.rows.items():
            self._known(rule, rows)
            self._ids[rule][rows] = new.tables[rule]

    def _unknown(self, of_metric: MetricValues) -> IntArray:
        rows = of_metric.outputs.row
        if self._complete.get(of_metric.rule) is rows:
            return _NO_ROWS
        unknown = rows[self._known(of_metric.rule, rows)[:, 0] == _UNKNOWN]
        if not len(unknown):
            self._complete[of_metric.rule] = rows
            return _NO_ROWS
        return ascending(unknown)

    def _known(self, rule: int, rows: IntArray) -> _Ids:
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


def _missing(
    numbers: Sequence[tuple[Targets, IntArray]],
    known: _Ids,
    item: Callable[[Targets, int], Item],
) -> dict[int, Item]:
    """What has no id among these numbers, by number."""
    unknown: dict[int, Item] = {}
    seen = np.zeros(1 + max(int(of_rows.max()) for _, of_rows in numbers), np.bool_)
    ids = known[: len(seen)]
    seen[: len(ids)] = ids != _UNKNOWN
    for targets, of_rows in numbers:
        new = of_rows[~seen[of_rows]]
        if len(new):
            seen[new] = True
            unknown |= {number: item(targets, number) for number in np.unique(new).tolist()}
    return unknown


def _described(
    values: Sequence[MetricValues], numbers: Sequence[tuple[Targets, IntArray]]
) -> dict[Entity, Mapping[str, str]]:
    """The properties that rules give to the entities of these numbers."""
    if not any(of_metric.properties for of_metric in values):
        return {}
    among = {number for _, entity in numbers for number in np.unique(entity).tolist()}
    return {
        item: properties
        for of_metric in values
        for item, properties in of_metric.properties.items()
        if of_metric.targets.number_of(item) in among
    }


def _registered_entities(
    connection: Connection,
    new: Mapping[int, Entity],
    described: Mapping[Entity, Mapping[str, str]],
) -> dict[int, int]:
    """Ids of the new ones by number; of those that are described, properties are stored."""
    items = list(dict.fromkeys([*new.values(), *described]))
    if not items:
        return {}
    ids = register_entities(connection, items, described)
    return {number: ids[item] for number, item in new.items()}


def _registered_label_sets(connection: Connection, new: Mapping[int, LabelSet]) -> dict[int, int]:
    if not new:
        return {}
    ids = register_label_sets(connection, list(new.values()))
    return {number: ids[item] for number, item in new.items()}


def _with(known: _Ids, new: Mapping[int, int]) -> _Ids:
    """Ids by number, with those of ``new``; ``known`` stays as it is."""
    if not new:
        return known
    numbers = np.fromiter(new, np.int64, len(new))
    ids = np.full(max(len(known), int(numbers.max()) + 1), _UNKNOWN, np.int32)
    ids[: len(known)] = known
    ids[numbers] = np.fromiter(new.values(), np.int64, len(new))
    return ids
