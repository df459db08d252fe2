"""The series of one metric, with their labels ready for use."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from app.arrays import BoolArray, IntArray
from app.catalog import SeriesIdentity
from app.labels import METRIC_NAME, LabelSet, label_set
from app.query.prometheus.directory import aspects_of
from app.query.prometheus.families import Family
from app.query.prometheus.label_table import Condition, LabelTable
from app.query.prometheus.naming import (
    ACCOUNT,
    ASPECTS,
    DIGEST,
    REGION,
    UNIT,
    classic_labels,
    spelt_labels,
    with_labels,
)

_DIGEST_DIGITS = 16


class SeriesGroup:
    """Series of one namespace and metric, by ascending id; grows by making another one.

    ``digests`` tells the hexadecimal digests of series, for those whose labels would be equal.
    """

    def __init__(
        self,
        ids: IntArray,
        kinds: Sequence[str],
        units: Sequence[str],
        labels: tuple[Sequence[LabelSet], Sequence[LabelSet]],
        digests: Callable[[Sequence[int]], dict[int, str]],
    ) -> None:
        self.ids = ids
        self.kinds = np.array(kinds, np.object_)
        self.units = np.array(units, np.object_)
        self._plain = labels
        self._tables = tuple(
            LabelTable(_distinct(plain, ids, kinds, units, digests)) for plain in labels
        )
        self._named: dict[tuple[object, ...], list[LabelSet | None]] = {}

    @property
    def newest_id(self) -> int:
        """The greatest of the ids; 0 without any."""
        return int(self.ids[-1]) if len(self.ids) else 0

    @property
    def weight(self) -> int:
        """How many label sets are kept."""
        return len(self.ids) * (2 + len(self._named))

    def extended(
        self,
        new: Sequence[tuple[int, SeriesIdentity]],
        digests: Callable[[Sequence[int]], dict[int, str]],
    ) -> "SeriesGroup":
        """The group with further series, whose ids are greater."""
        same: dict[tuple[str, str], tuple[str, str]] = {}
        classic, spelt = (
            [
                tuple(same.setdefault(pair, pair) for pair in _labels(identity, translate))
                for _, identity in new
            ]
            for translate in (classic_labels, spelt_labels)
        )
        return SeriesGroup(
            np.concatenate([self.ids, np.array([number for number, _ in new], np.int64)]),
            [*self.kinds, *(identity.kind for _, identity in new)],
            [*self.units, *(identity.unit for _, identity in new)],
            ([*self._plain[0], *classic], [*self._plain[1], *spelt]),
            digests,
        )

    def table(self, *, spelt: bool) -> LabelTable:
        """Labels without those that depend on the name."""
        return self._tables[spelt]

    def rows(
        self,
        family: Family,
        aspects: Sequence[str],
        conditions: Sequence[Condition],
        *,
        spelt: bool,
    ) -> IntArray:
        """The rows of a family's series that fulfil conditions on their labels."""
        of_table = [condition for condition in conditions if condition[0] not in ASPECTS]
        wanted: BoolArray = self._tables[spelt].fulfilling(of_table)
        wanted &= self.kinds == family.source.kind
        of_family = aspects_of(family)
        for name, is_wanted in conditions:
            if name == UNIT and UNIT in aspects:
                fits = {unit: is_wanted(unit) for unit in set(self.units)}
                wanted &= np.array([fits[unit] for unit in self.units], np.bool_)
            elif name in ASPECTS and not is_wanted(of_family[name] if name in aspects else ""):
                wanted[:] = False
        return np.flatnonzero(wanted)

    def label_sets(
        self, family: Family, aspects: Sequence[str], rows: IntArray, *, spelt: bool
    ) -> list[LabelSet]:
        """The label sets of rows, complete with their name; one object for each row, every time."""
        name = family.spelt if spelt else family.name
        fixed = {label: text for label, text in aspects_of(family).items() if label in aspects}
        key = (name, spelt, tuple(aspects), *sorted(fixed.items()))
        known = self._named.setdefault(key, [None] * len(self.ids))
        made = []
        labels = self._tables[spelt].labels
        for row in rows.tolist():
            found = known[row]
            if found is None:
                unit = self.units[row] if UNIT in aspects else ""
                found = known[row] = with_labels(
                    labels[row], (METRIC_NAME, name), (UNIT, unit), *fixed.items()
                )
            made.append(found)
        return made


def empty_group() -> SeriesGroup:
    """A group without series."""
    return SeriesGroup(np.empty(0, np.int64), (), (), ((), ()), lambda _: {})


Translate = Callable[[Sequence[tuple[str, str]]], dict[str, str]]


def _labels(identity: SeriesIdentity, translate: Translate) -> LabelSet:
    own = {ACCOUNT: identity.account, REGION: identity.region}
    return label_set({**translate(identity.dimensions), **own})


def _distinct(
    labels: Sequence[LabelSet],
    ids: IntArray,
    kinds: Sequence[str],
    units: Sequence[str],
    digests: Callable[[Sequence[int]], dict[int, str]],
) -> Sequence[LabelSet]:
    """The labels, and where they would be equal the digest of the series as another one.

    Kind and unit are told apart by labels of their own.
    """
    keys = list(zip(labels, kinds, units, strict=True))
    if len(set(keys)) == len(keys):
        return labels
    repeated = {key for key, count in Counter(keys).items() if count > 1}
    rows = [row for row, key in enumerate(keys) if key in repeated]
    found = digests([int(ids[row]) for row in rows])
    told = list(labels)
    for row in rows:
        told[row] = with_labels(labels[row], (DIGEST, found[int(ids[row])][:_DIGEST_DIGITS]))
    return told
