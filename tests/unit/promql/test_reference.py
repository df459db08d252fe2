"""The engine, which works on all steps and series at once, against a reference that does not."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import QueryFailed
from app.labels import LabelSet
from app.promql.parsing import parse
from app.promql.testing.memory import MemoryReader, MemorySeries
from tests.fixtures.promql import MINUTE, STALE, Sample, engine, series
from tests.fixtures.promql_reference import Ambiguous, Reference

_STEPS = 6
_LOOKBACK_MS = 2 * MINUTE
_NAMES = ("x", "y")
_VALUES = (0.0, 1.0, 2.0, 3.0, -1.0, 0.5, math.nan, math.inf, None, None, STALE)

_samples = st.lists(st.sampled_from(_VALUES), min_size=_STEPS, max_size=_STEPS)


@st.composite
def _stored(draw: st.DrawFn) -> list[MemorySeries]:
    """Series of two metrics and two labels, which come and go."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(_NAMES), st.sampled_from("123"), st.sampled_from("12")),
            unique=True,
            max_size=8,
        )
    )
    found = []
    for name, a, b in keys:
        samples: list[Sample] = draw(_samples)
        # "3" stands for a label that is not there.
        labels = {"b": b} if a == "3" else {"a": a, "b": b}
        found.append(series(name, *samples, **labels))
    return found


_selectors = st.sampled_from(["x", "y", 'x{a="1"}', "y offset 1m", '{b="1"}'])
_grouping = st.sampled_from(["", "by (a)", "by (b)", "without (a)", "by (a, b)", "by (__name__)"])
_aggregations = st.sampled_from(
    [
        *(f"{name} %s (" for name in ("sum", "avg", "min", "max", "count", "group")),
        *(f"{name} %s (2, " for name in ("topk", "bottomk", "limitk")),
        "quantile %s (0.25, ",
    ]
)
_one_to_one = st.sampled_from(["", "on (a)", "ignoring (a)", "on (a, b)", "ignoring (b)", "on ()"])
_grouped = st.sampled_from(
    [
        "on (a) group_left ()",
        "on (b) group_right ()",
        "ignoring (a) group_left (a)",
        "on (b) group_left (a)",
        "on (a) group_right (b)",
        "ignoring (b) group_right ()",
    ]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "==", "<", "> bool", "!= bool"])
    return st.one_of(
        st.builds(lambda name, how, of: f"{name % how}{of})", _aggregations, _grouping, inner),
        st.builds(
            lambda left, operator, how, right: f"({left} {operator} {how} {right})",
            inner,
            operators,
            st.one_of(_one_to_one, _grouped),
            inner,
        ),
        st.builds(
            lambda left, operator, how, right: f"({left} {operator} {how} {right})",
            inner,
            st.sampled_from(["and", "or", "unless"]),
            _one_to_one,
            inner,
        ),
        st.builds(lambda of, operator: f"({of} {operator} 1)", inner, operators),
    )


_queries = st.recursive(_selectors, _larger, max_leaves=4)


@settings(max_examples=400, deadline=None)
@given(query=_queries, stored=_stored(), as_grid=st.booleans())
def test_every_step_is_what_it_is_on_its_own(
    query: str, stored: Sequence[MemorySeries], *, as_grid: bool
) -> None:
    reference = Reference(stored, _LOOKBACK_MS)
    tree = parse(query)
    expected: list[dict[LabelSet, float]] | None = []
    try:
        expected = [reference.vector(tree, step * MINUTE) for step in range(_STEPS)]
    except Ambiguous:
        expected = None
    ours = engine(lookback_ms=_LOOKBACK_MS)
    reader = MemoryReader(stored, as_grid=as_grid)
    if expected is None:
        with pytest.raises(QueryFailed):
            ours.range(query, 0, (_STEPS - 1) * MINUTE, MINUTE, reader)
        return
    vector = ours.range(query, 0, (_STEPS - 1) * MINUTE, MINUTE, reader).vector
    assert vector is not None
    assert list(vector.labels) == sorted(set(vector.labels))
    for step in range(_STEPS):
        found = {
            labels: float(values[step])
            for labels, values, present in zip(
                vector.labels, vector.values, vector.present, strict=True
            )
            if present[step]
        }
        assert set(found) == set(expected[step])
        for labels, value in found.items():
            assert math.isclose(value, expected[step][labels], rel_tol=1e-12) or (
                math.isnan(value) and math.isnan(expected[step][labels])
            )
