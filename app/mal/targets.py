"""Entities by number, and the targets of a rule as pairs of numbers."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np

from app.arrays import CodeArray, IntArray
from app.labels import LabelSet
from app.mal.entities import Entity, EntityRule
from app.mal.key_index import UNKNOWN, KeyIndex
from app.mal.label_block import LabelBlock
from app.mal.vocabulary import Vocabulary

NOBODY = -1
"""Stands for the entity of labels that name none."""

Target = tuple[Entity, LabelSet]


class Named(NamedTuple):
    """The entity of each row of a block, ``NOBODY`` where it has none, and errors by row."""

    entity: CodeArray
    faults: dict[int, Exception]


class _OfRule:
    """The entities that a rule has found, by the values of the labels that it looks at."""

    def __init__(self, rule: EntityRule) -> None:
        self.names = tuple(sorted(rule.keys))
        self.keys = KeyIndex()
        self.entities = array("i", [NOBODY])
        """The entity of each key, behind that of what has no key."""


class EntityNumbers:
    """The entities of all rules that share a vocabulary, numbered; equal ones have one number."""

    def __init__(self) -> None:
        self._numbers: dict[Entity, int] = {}
        self._entities: list[Entity] = []
        self._of_rules: dict[EntityRule, _OfRule] = {}

    def __len__(self) -> int:
        return len(self._entities)

    def __getitem__(self, number: int) -> Entity:
        return self._entities[number]

    def of(self, rule: EntityRule, labels: LabelBlock) -> Named:
        """The entities that labels name; worked out once for all rules that name them alike."""
        return labels.once(("entities", rule), lambda: self._of(rule, labels))

    def _of(self, rule: EntityRule, labels: LabelBlock) -> Named:
        known = self._of_rules.get(rule)
        if known is None:
            known = self._of_rules[rule] = _OfRule(rule)
        group, keys, naming = labels.groups(known.names)
        places = known.keys.find(keys)
        failed: dict[int, Exception] = {}
        found: list[int] = []
        for number in np.flatnonzero(places == UNKNOWN).tolist():
            try:
                entity = rule.entity(naming.labels(number))
            except Exception as error:  # noqa: BLE001 - told for each row, and not remembered
                failed[number] = error
            else:
                known.entities.append(NOBODY if entity is None else self.number(entity))
                found.append(number)
        places[found], _ = known.keys.add(keys[found])
        entities = np.frombuffer(known.entities, np.int32)[places + 1]
        faults: dict[int, Exception] = {}
        if failed:
            of_row = enumerate(group.tolist())
            faults = {row: failed[number] for row, number in of_row if number in failed}
        return Named(entities[group], faults)

    def find(self, entity: Entity) -> int:
        """The number of an entity, ``NOBODY`` if it has none."""
        return self._numbers.get(entity, NOBODY)

    def number(self, entity: Entity) -> int:
        """The number of an entity, which gets one if it has none."""
        number = self._numbers.get(entity)
        if number is None:
            number = self._numbers[entity] = len(self._entities)
            self._entities.append(entity)
        return number


class Targets(Sequence[Target]):
    """Targets by row: numbers of the entity and of the label set, made into objects when asked for.

    Numbers are those of all rules of an engine: equal numbers mean equal entities or label sets.
    Label set 0 is the empty one.
    """

    def __init__(self, entities: EntityNumbers) -> None:
        self._entities = entities
        self._vocabulary: Vocabulary | None = None
        self._entity, self._label_set = array("i"), array("i")

    def extend(
        self, vocabulary: Vocabulary, entity: CodeArray, label_set: CodeArray | IntArray
    ) -> None:
        """Append targets."""
        self._vocabulary = vocabulary
        self._entity.frombytes(entity.astype(np.int32).tobytes())
        self._label_set.frombytes(label_set.astype(np.int32).tobytes())

    def numbers(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """The numbers of the entities and of the label sets of some rows."""
        # Views that are gone at once: while one is there, the arrays cannot grow.
        entity: IntArray = np.frombuffer(self._entity, np.int32)[rows].astype(np.int64)
        label_set: IntArray = np.frombuffer(self._label_set, np.int32)[rows].astype(np.int64)
        return entity, label_set

    def number_of(self, entity: Entity) -> int:
        """The number of an entity, ``NOBODY`` if no rule has named it."""
        return self._entities.find(entity)

    def entity(self, number: int) -> Entity:
        """The entity of a number."""
        return self._entities[number]

    def label_set(self, number: int) -> LabelSet:
        """The label set of a number."""
        return () if self._vocabulary is None else self._vocabulary.label_set(number)

    def __len__(self) -> int:
        return len(self._entity)

    @overload
    def __getitem__(self, row: int) -> Target: ...
    @overload
    def __getitem__(self, row: slice) -> list[Target]: ...
    def __getitem__(self, row: int | slice) -> Target | list[Target]:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        return self.entity(self._entity[row]), self.label_set(self._label_set[row])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # they grow
