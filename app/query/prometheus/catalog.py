"""``PrometheusCatalog``: which names, labels and series there are, for the HTTP API."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from app.arrays import IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.labels import METRIC_NAME, LabelSet
from app.promql.ast import Matcher
from app.query.prometheus.choice import Choice
from app.query.prometheus.directory import Directory
from app.query.prometheus.families import Form, expansion
from app.query.prometheus.metadata import Metadata, metric_metadata, raw_metadata
from app.query.prometheus.metric_reader import Metric, MetricReader, expanded_labels
from app.query.prometheus.naming import with_labels
from app.query.prometheus.presence import Presence
from app.query.prometheus.raw_reader import EXPANDED, Members, RawReader
from app.storage import Connection, Deadline

MatcherSets = Sequence[Sequence[Matcher]]
"""Series are wanted that fulfil all matchers of any of these; none at all means every series."""


class PrometheusCatalog:
    """Answers within one transaction, from one thread.

    Times are milliseconds; what has data in (``start_ms``, ``end_ms``] is listed, told to the hour.
    Raises ``QueryFailed`` for regular expressions that take too long, ``StorageUnavailable``, and
    what the deadline raises.
    """

    def __init__(
        self,
        connection: Connection,
        raw: RawReader,
        reader: MetricReader,
        metrics: Mapping[str, Metric],
        deadline: Deadline | None = None,
    ) -> None:
        self._connection = connection
        self._raw = raw
        self._reader = reader
        self._metrics = metrics
        self._deadline = deadline

    def series(self, wanted: MatcherSets, start_ms: int, end_ms: int) -> list[LabelSet]:
        """Label sets of series, each once, sorted."""
        found: set[LabelSet] = set()
        presence = Presence(self._connection, start_ms, end_ms)
        for choice in _choices(wanted):
            for metric in self._chosen(choice):
                found.update(self._of_metric(metric, choice, presence))
            for members, ids, texts in self._members(choice, presence):
                found.update(_of_members(members, ids, texts))
        return sorted(found)

    def label_names(self, wanted: MatcherSets, start_ms: int, end_ms: int) -> list[str]:
        """Names of the labels of series, sorted."""
        names: set[str] = set()
        presence = Presence(self._connection, start_ms, end_ms)
        for choice in _choices(wanted):
            for metric in self._chosen(choice):
                for labels in self._of_metric(metric, choice, presence):
                    names.update(name for name, _ in labels)
            for members, ids, _ in self._members(choice, presence):
                rows = np.searchsorted(members.group.ids, ids)
                names |= members.group.table(spelt=members.spelt).names(rows)
                names.update((METRIC_NAME, *members.aspects))
                if members.family.form is not Form.STATISTIC:
                    names.add(EXPANDED[members.family.form])
        return sorted(names)

    def label_values(
        self, label: str, wanted: MatcherSets, start_ms: int, end_ms: int
    ) -> list[str]:
        """Values of a label of series, sorted."""
        values: set[str] = set()
        presence = Presence(self._connection, start_ms, end_ms)
        for choice in _choices(wanted):
            for metric in self._chosen(choice):
                if label == METRIC_NAME and not choice.on_labels:
                    if metric.metric_id in presence.metric_ids():
                        values.add(metric.name)
                    continue
                for labels in self._of_metric(metric, choice, presence):
                    values.update(value for name, value in labels if name == label)
            for members, ids, texts in self._members(choice, presence):
                if label == METRIC_NAME:
                    values.add(members.name)
                elif label in (*members.aspects, EXPANDED.get(members.family.form)):
                    made = _of_members(members, ids, texts)
                    values.update(dict(labels).get(label, "") for labels in made)
                else:
                    rows = np.searchsorted(members.group.ids, ids)
                    values |= members.group.table(spelt=members.spelt).values(label, rows)
        return sorted(values - {""})

    def metadata(self, name: str | None = None) -> dict[str, list[Metadata]]:
        """Metadata by name, of all names or of one, sorted; empty for a name that is not known."""
        directory = self._raw.directory(Choice.of(()))
        names = {*directory.classic, *self._metrics} if name is None else {name}
        found = {}
        for each in sorted(names):
            self._check_time()
            metric = self._metrics.get(each)
            known = [metric_metadata(metric)] if metric else []
            known += raw_metadata(directory.families(each), directory)
            if known:
                found[each] = known
        return found

    def _check_time(self) -> None:
        if self._deadline is not None:
            self._deadline.check()

    def _chosen(self, choice: Choice) -> Iterator[Metric]:
        self._check_time()
        for metric in self._reader.chosen(choice):
            self._check_time()
            yield metric

    def _members(
        self, choice: Choice, presence: Presence
    ) -> Iterator[tuple[Members, IntArray, Sequence[str]]]:
        """Families of raw series, the ids of those with data, and their bounds or quantiles."""
        directory = self._raw.directory(choice, presence.end_ms // MILLISECONDS_PER_MINUTE)
        for members in self._raw.members(choice, directory):
            self._check_time()
            ids = presence.series(members.group.ids[members.rows])
            if not len(ids):
                continue
            if members.family.form is Form.STATISTIC:
                yield members, ids, ()
                continue
            if not directory.extras.get(members.family.source):
                directory = self._raw.extras_of(ids, presence.start_ms, presence.end_ms)
            texts = _texts(members, directory, choice)
            if texts:
                yield members, ids, texts

    def _of_metric(self, metric: Metric, choice: Choice, presence: Presence) -> list[LabelSet]:
        wanted = self._reader.entity_ids(choice)
        if wanted == []:
            return []
        entities, label_sets = presence.values(metric.metric_id)
        if wanted is not None:
            rows = np.flatnonzero(np.isin(entities, wanted))
            entities, label_sets = entities[rows], label_sets[rows]
        _, labels = self._reader.labels(metric, choice, entities, label_sets)
        return expanded_labels(metric, choice, labels) if metric.ranks else labels


def _of_members(members: Members, ids: IntArray, texts: Sequence[str]) -> Iterator[LabelSet]:
    plain = members.label_sets(ids)
    if members.family.form is Form.STATISTIC:
        yield from plain
        return
    label = EXPANDED[members.family.form]
    for text in texts:
        yield from (with_labels(labels, (label, text)) for labels in plain)


def _texts(members: Members, directory: Directory, choice: Choice) -> list[str]:
    """The bounds or quantiles of a source that are wanted."""
    form = members.family.form
    extras = directory.extras.get(members.family.source, frozenset())
    texts = {expansion(form, statistic) for statistic in extras}
    if form is Form.BUCKETS and extras:
        texts.add("+Inf")
    label = EXPANDED[form]
    return sorted(text for text in texts if text is not None and choice.wants(label, text))


def _choices(wanted: MatcherSets) -> list[Choice]:
    return [Choice.of(matchers) for matchers in (wanted or ((),))]
