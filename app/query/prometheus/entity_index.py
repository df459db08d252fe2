"""Entities and label sets of rule metrics with their labels, kept in the process.

What an entity or a label set is never changes; each query asks for those with greater ids.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from app.arrays import IntArray
from app.labels import METRIC_NAME, LabelSet, label_set
from app.mal import Entity
from app.query.prometheus.label_table import LabelTable
from app.query.prometheus.naming import (
    ACCOUNT,
    BOUND,
    DIGEST,
    QUANTILE,
    REGION,
    RESERVED,
    classic_labels,
    with_labels,
)
from app.storage import Connection, read_entities_after, read_label_sets_after

SCOPE = "scope"
_PARTS = (
    "layer",
    "service",
    "instance",
    "endpoint",
    "process",
    "dest_service",
    "dest_instance",
    "dest_process",
    "detect_point",
    "component",
)
ENTITY_LABELS = frozenset({*_PARTS, ACCOUNT, REGION, SCOPE})
"""Labels that an entity may have; a rule's own labels of these names are prefixed."""

_OF_RULES = (RESERVED | ENTITY_LABELS) - {BOUND, QUANTILE}
_MOST_LABEL_SETS = 500_000


def entity_labels(entity: Entity) -> dict[str, str]:
    """The labels of an entity; parts that it does not have are left out.

    ``account`` is what follows ``::`` in the service's name, where that is a number.
    """
    account = entity.service.partition("::")[2]
    labels = {name: str(getattr(entity, name) or "") for name in _PARTS}
    labels[REGION] = entity.region
    labels[ACCOUNT] = account if account.isascii() and account.isdigit() else ""
    return {name: value for name, value in labels.items() if value}


def own_labels(labels: LabelSet) -> dict[str, str]:
    """A rule's own labels under classic names."""
    return classic_labels(labels, _OF_RULES)


@dataclass(frozen=True, slots=True)
class Numbered:
    """Label sets by ascending id."""

    ids: IntArray
    table: LabelTable

    def rows(self, ids: IntArray) -> IntArray:
        """The rows of ids, all of which are there."""
        return np.searchsorted(self.ids, ids)


class EntityIndex:
    """Thread-safe. It is of one database, as ``SeriesIndex`` is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entities: list[tuple[int, Entity]] = []
        self._sets: list[tuple[int, LabelSet]] = []
        self._named: dict[tuple[str, int, int], LabelSet] = {}
        self.entities = Numbered(np.empty(0, np.int64), LabelTable(()))
        self.label_sets = Numbered(np.empty(0, np.int64), LabelTable(()))

    def refresh(self, connection: Connection) -> None:
        """Read what has come since."""
        with self._lock:
            entities = read_entities_after(connection, _last(self._entities))
            sets = read_label_sets_after(connection, _last(self._sets))
            if entities:
                self._entities += entities
                scopes = [str(entity.scope) for _, entity in self._entities]
                labels = [label_set(entity_labels(entity)) for _, entity in self._entities]
                self.entities = _numbered(self._entities, _told_apart(labels, SCOPE, scopes))
            if sets:
                self._sets += sets
                labels = [label_set(own_labels(given)) for _, given in self._sets]
                digests = [_digest(given) for _, given in self._sets]
                self.label_sets = _numbered(self._sets, _told_apart(labels, DIGEST, digests))
            if entities or sets:
                # Which labels tell others apart may have changed.
                self._named = {}

    def labels(self, name: str, entity_ids: IntArray, label_set_ids: IntArray) -> list[LabelSet]:
        """The label sets of pairs of ids, complete with the metric's name."""
        named = self._named
        if len(named) > _MOST_LABEL_SETS:
            named = self._named = {}
        entities, sets = self.entities, self.label_sets
        rows = entities.rows(entity_ids).tolist(), sets.rows(label_set_ids).tolist()
        made = []
        for entity_row, set_row in zip(*rows, strict=True):
            key = name, entity_row, set_row
            found = named.get(key)
            if found is None:
                found = named[key] = with_labels(
                    entities.table.labels[entity_row],
                    (METRIC_NAME, name),
                    *sets.table.labels[set_row],
                )
            made.append(found)
        return made


def _numbered(known: Sequence[tuple[int, object]], labels: Sequence[LabelSet]) -> Numbered:
    return Numbered(np.array([number for number, _ in known], np.int64), LabelTable(labels))


def _told_apart(labels: list[LabelSet], label: str, texts: Sequence[str]) -> list[LabelSet]:
    """The label sets, those that are equal with another label that is not."""
    if len(set(labels)) == len(labels):
        return labels
    rows: dict[LabelSet, list[int]] = {}
    for row, labels_of_row in enumerate(labels):
        rows.setdefault(labels_of_row, []).append(row)
    for repeated in rows.values():
        if len(repeated) > 1:
            for row in repeated:
                labels[row] = with_labels(labels[row], (label, texts[row]))
    return labels


def _digest(labels: LabelSet) -> str:
    return blake2b(repr(labels).encode(), digest_size=8).hexdigest()


def _last(known: Sequence[tuple[int, object]]) -> int:
    return known[-1][0] if known else 0
