"""New series as columns: the labels of many at once, by the family that they belong to."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from app.arrays import CodeArray, IntArray
from app.catalog import SeriesIdentity, StatisticCatalog
from app.mal.distinct import distinct
from app.mal.label_block import LabelBlock
from app.mal.nodes import Marks
from app.mal.vocabulary import ABSENT, EMPTY, Vocabulary
from app.rules.families import Shape, base_name, labelled, shape_of_kind


class Family(NamedTuple):
    """A bare family, and the shape of its series."""

    base: str
    shape: Shape


class NewSeries(NamedTuple):
    """New series of one family: their places among all new ones, ascending, labels and marks."""

    family: Family
    places: IntArray
    labels: LabelBlock
    marks: Marks


class _Sort(NamedTuple):
    """What series have in common whose labels have the same names."""

    namespace: str
    metric: str
    kind: str
    has_account: bool
    has_region: bool
    dimensions: tuple[str, ...]


class _Rows(NamedTuple):
    """Series of one sort: their places, ascending, and their texts; ``values`` by dimension."""

    sort: _Sort
    places: list[int]
    account: list[str]
    region: list[str]
    values: list[list[str]]


class _Part(NamedTuple):
    """Series of one sort, as columns."""

    places: IntArray
    account: CodeArray
    region: CodeArray
    level: CodeArray
    labels: dict[str, CodeArray]


# What tells the senders of metrics apart that are not CloudWatch's (OpenTelemetry's resource
# semantic conventions), beside account and region.
_RESOURCE_LABELS = ("service_name", "service_instance_id", "host_name", "net_host_name")


class Newcomers:
    """Gives new series their labels as columns, and the marks that rules need beside them."""

    def __init__(self, catalog: StatisticCatalog, vocabulary: Vocabulary) -> None:
        self._catalog = catalog
        self._vocabulary = vocabulary
        self._origins: dict[tuple[int, ...], int] = {}

    def by_family(self, identities: Sequence[SeriesIdentity]) -> Iterator[NewSeries]:
        """The series of each family, in the order of the first of each."""
        families: dict[Family, list[_Part]] = {}
        for rows in _sorted_out(identities):
            sort = rows.sort
            shape = shape_of_kind(sort.namespace, sort.kind)
            family = Family(base_name(sort.namespace, sort.metric), shape)
            families.setdefault(family, []).append(self._part(rows))
        for family, parts in families.items():
            whole = _joined(parts)
            labels = LabelBlock(self._vocabulary, len(whole.places), whole.labels)
            yield NewSeries(family, whole.places, labels, self._marks(whole, labels))

    def _part(self, rows: _Rows) -> _Part:
        sort = rows.sort
        size = len(rows.places)
        account = self._vocabulary.codes(rows.account)
        region = self._vocabulary.codes(rows.region)
        values = [self._vocabulary.codes(column) for column in rows.values]
        level = np.zeros(size, np.int32)
        for name, codes in zip(sort.dimensions, values, strict=True):
            if self._catalog.breakdown_level(sort.namespace, (name,)):
                level += codes != EMPTY
        labels = labelled(
            sort.namespace,
            sort.metric,
            sort.kind,
            account=account if sort.has_account else None,
            region=region if sort.has_region else None,
            dimensions=list(zip(sort.dimensions, values, strict=True)),
            of_text=lambda text: np.full(size, self._vocabulary.code(text), np.int32),
        )
        return _Part(np.array(rows.places, np.int64), account, region, level, labels)

    def _marks(self, whole: _Part, labels: LabelBlock) -> Marks:
        """Numbers of the resource and the account, and the number of breakdown dimensions."""
        resource = (labels.filled(name) for name in _RESOURCE_LABELS)
        columns = [whole.account, whole.region, *resource]
        firsts, kind = distinct(columns, labels.size)
        origins, accounts = [], []
        kinds = zip(*(column[firsts].tolist() for column in columns), strict=True)
        for account, region, *rest in kinds:
            own = (account,) if account != EMPTY else tuple(rest)
            origins.append(self._origin((*own, region, *rest)))
            accounts.append(self._origin(own))
        return Marks(
            np.array(origins, np.int32)[kind], np.array(accounts, np.int32)[kind], whole.level
        )

    def _origin(self, key: tuple[int, ...]) -> int:
        return self._origins.setdefault(key, len(self._origins))


def _sorted_out(identities: Sequence[SeriesIdentity]) -> Iterator[_Rows]:
    """Series by sort, those that come first first."""
    by_head: dict[int, list[int]] = defaultdict(list)
    for place, (head, _) in enumerate(identities):
        # Series share these objects: comparing what is in them would take much longer.
        by_head[id(head)].append(place)
    alike: dict[tuple[str, str, str, bool, bool], list[list[int]]] = defaultdict(list)
    for places in by_head.values():
        account, region, namespace, metric, _, kind = identities[places[0]].head.texts
        alike[namespace, metric, kind, account != "", region != ""].append(places)
    for common, lists in alike.items():
        places = lists[0] if len(lists) == 1 else sorted(chain.from_iterable(lists))
        for names, some, values in _by_names(places, [identities[p].dimensions for p in places]):
            texts = [identities[place].head.texts for place in some]
            account_texts, region_texts = [text[0] for text in texts], [text[1] for text in texts]
            yield _Rows(_Sort(*common, names), some, account_texts, region_texts, values)


def _by_names(
    places: Sequence[int], dimensions: Sequence[tuple[tuple[str, str], ...]]
) -> Iterator[tuple[tuple[str, ...], list[int], list[list[str]]]]:
    """Names of dimensions, the places of series that have just these, and their values by name."""
    by_size: dict[int, list[int]] = defaultdict(list)
    for row, pairs in enumerate(dimensions):
        by_size[len(pairs)].append(row)
    for size, rows in by_size.items():
        some = [places[row] for row in rows]
        flat = list(chain.from_iterable([dimensions[row] for row in rows]))
        names = [name for name, _ in flat]
        values = [value for _, value in flat]
        if names == names[:size] * len(rows):
            yield tuple(names[:size]), some, [values[at::size] for at in range(size)]
            continue
        by_names: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number in range(len(rows)):
            by_names[tuple(names[number * size : (number + 1) * size])].append(number)
        for own, numbers in by_names.items():
            columns = [[values[number * size + at] for number in numbers] for at in range(size)]
            yield own, [some[number] for number in numbers], columns


def _joined(parts: Sequence[_Part]) -> _Part:
    """The series of several sorts, in the order of their places."""
    if len(parts) == 1:
        return parts[0]
    places, account, region, level = (
        np.concatenate(columns) for columns in zip(*(part[:4] for part in parts), strict=True)
    )
    order = np.argsort(places)
    labels: dict[str, CodeArray] = {}
    start = 0
    for part in parts:
        end = start + len(part.places)
        for name, codes in part.labels.items():
            if name not in labels:
                labels[name] = np.full(len(places), ABSENT, np.int32)
            labels[name][start:end] = codes
        start = end
    ordered = {name: codes[order] for name, codes in labels.items()}
    return _Part(places[order], account[order], region[order], level[order], ordered)
