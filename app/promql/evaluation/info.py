"""``info``: labels of info metrics, such as ``target_info``, added to other series.

An info series belongs to the series that have its job and instance. Source: ``info`` among the
query functions of Prometheus' documentation.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from app.arrays import BoolArray, IntArray
from app.errors import QueryFailed
from app.labels import METRIC_NAME, LabelSet, label_set
from app.promql.ast import Call, Expression, Matcher, MatchOperator, VectorSelector
from app.promql.evaluation import selectors
from app.promql.evaluation.query import Query
from app.promql.evaluation.repetition import selectors_of
from app.promql.evaluation.rows import in_label_order, masked, merged, text
from app.promql.matching import compile_matcher
from app.promql.names import kept
from app.promql.series import Steps, Vector, empty_vector

_IDENTIFYING = ("instance", "job")
_DEFAULT = Matcher(METRIC_NAME, MatchOperator.EQUAL, "target_info")
_SIGNS = re.compile(r"[\\.+*?()|\[\]{}^$]")

_Identity = tuple[str, ...]
"""The values of the identifying labels."""


def enrich(node: Call, base: Vector, steps: Steps, query: Query) -> Vector:
    """The series with the labels of their info series.

    With matchers only the labels they name are added, and series without a matching info series
    are left out, unless all matchers fulfil the empty value. Info series themselves stay as they
    are. Raises ``QueryFailed`` where two info series contradict each other.
    """
    selector = node.arguments[1] if len(node.arguments) > 1 else None
    given = selector.matchers if isinstance(selector, VectorSelector) else (_DEFAULT,)
    names = [compile_matcher(one) for one in given if one.name == METRIC_NAME]
    wanted = [one for one in given if one.name != METRIC_NAME]
    is_info = [bool(names) and all(of(_name(labels)) for of in names) for labels in base.labels]
    plain = [labels for labels, info in zip(base.labels, is_info, strict=True) if not info]
    if not names:
        given = (_DEFAULT, *given)
    infos = _info_series(node.arguments[0], given, plain, (steps, query))
    newest = _newest(infos, np.logical_or.reduce(base.present, axis=0))
    optional = all(compile_matcher(one)("") for one in wanted)
    listed = frozenset(one.name for one in wanted)

    rows: list[int] = []
    labels: list[LabelSet] = []
    present: list[BoolArray] = []
    for row, own in enumerate(base.labels):
        if is_info[row]:
            rows, labels, present = [*rows, row], [*labels, own], [*present, base.present[row]]
            continue
        query.budget.check_time()
        of_row = newest.get(_identity(own), {})
        for chosen, where in _choices(of_row, steps.count):
            there = base.present[row] & where
            if not there.any() or (not chosen and not optional):
                continue
            added = _added([infos.labels[each] for each in chosen], own, listed)
            rows.append(row)
            labels.append(label_set({**dict(kept(own)), **added}))
            present.append(there)
    if not rows:
        return empty_vector(steps.count)
    query.budget.take_samples(len(rows) * steps.count)
    there = np.stack(present)
    values = masked(base.values[rows], there)
    return in_label_order(merged(Vector(labels, values, there)))


def _info_series(
    operand: Expression,
    given: Sequence[Matcher],
    plain: Sequence[LabelSet],
    where: tuple[Steps, Query],
) -> Vector:
    """The info series that may belong to the others; values are the seconds of their samples."""
    steps, query = where
    matchers = list(given)
    for number, name in enumerate(_IDENTIFYING):
        values = {_identity(labels)[number] for labels in plain} - {""}
        if values:
            pattern = "|".join(_SIGNS.sub(r"\\\g<0>", value) for value in sorted(values))
            matchers.append(Matcher(name, MatchOperator.REGEX, pattern))
    if len(matchers) == len(given):
        return empty_vector(steps.count)
    # What is said of a series is what was said at the time of its samples.
    first = next(selectors_of(operand), VectorSelector(()))
    selector = VectorSelector(tuple(matchers), offset=first.offset, at=first.at)
    return selectors.sample_times(selector, steps, query)


def _newest(infos: Vector, asked: BoolArray) -> Mapping[_Identity, Mapping[str, IntArray]]:
    """For each identity and name the row of the newest info series at each step, −1 without."""
    groups: dict[tuple[_Identity, str], list[int]] = {}
    for row, labels in enumerate(infos.labels):
        groups.setdefault((_identity(labels), _name(labels)), []).append(row)
    newest: dict[_Identity, dict[str, IntArray]] = {}
    for (identity, name), rows in groups.items():
        times = np.where(infos.present[rows], infos.values[rows], -np.inf)
        best = times.max(axis=0)
        ties = np.flatnonzero(((times == best).sum(axis=0) > 1) & (best > -np.inf) & asked)
        if ties.size:
            one, other, *_ = np.flatnonzero(times[:, ties[0]] == best[ties[0]])
            at_ms = round(float(best[ties[0]]) * 1000)
            raise QueryFailed(
                "found duplicate series for info metric: existing"
                f" {text(infos.labels[rows[one]])} @ {at_ms},"
                f" new {text(infos.labels[rows[other]])} @ {at_ms}"
            )
        chosen = np.array(rows, np.int64)[times.argmax(axis=0)]
        newest.setdefault(identity, {})[name] = np.where(best > -np.inf, chosen, -1)
    return newest


def _choices(of_row: Mapping[str, IntArray], steps: int) -> Iterator[tuple[list[int], BoolArray]]:
    """The sets of info series that belong to a series together, and the steps at which they do."""
    if not of_row:
        yield [], np.ones(steps, np.bool_)
        return
    stacked = np.stack([of_row[name] for name in sorted(of_row)])
    distinct, which = np.unique(stacked, axis=1, return_inverse=True)
    for number, column in enumerate(distinct.T.tolist()):
        yield [row for row in column if row >= 0], np.ravel(which) == number


def _added(infos: Sequence[LabelSet], own: LabelSet, listed: frozenset[str]) -> dict[str, str]:
    """The labels that info series add to a series; those it has itself stay as they are."""
    had = {name for name, _ in own}
    added: dict[str, str] = {}
    for labels in infos:
        for name, value in labels:
            if name == METRIC_NAME or (listed and name not in listed):
                continue
            if added.get(name, value) != value:
                raise QueryFailed(f"conflicting label: {name}")
            if name not in had:
                added[name] = value
    return added


def _name(labels: LabelSet) -> str:
    return dict(labels).get(METRIC_NAME, "")


def _identity(labels: LabelSet) -> _Identity:
    values = dict(labels)
    return tuple(values.get(name, "") for name in _IDENTIFYING)
