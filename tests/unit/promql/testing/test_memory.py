"""The reader of series in memory: what it selects, and in which parts."""

import numpy as np
import pytest

from app.errors import QueryFailed
from app.labels import label_set
from app.promql.ast import Matcher, MatchOperator
from app.promql.reader import Selection
from app.promql.testing import MemoryReader, MemorySeries
from app.promql.testing.memory import OpaqueSelected
from tests.fixtures.selecting import AllowAll


def series(name: str, times: list[int], *, stale: list[int] | None = None) -> MemorySeries:
    values = np.array(times, np.float64) * 10
    marks = None if stale is None else np.isin(times, stale)
    return MemorySeries(label_set({"__name__": name}), np.array(times, np.int64), values, marks)


def selection(pattern: str, start_ms: int, end_ms: int) -> Selection:
    matcher = Matcher("__name__", MatchOperator.REGEX, pattern)
    return Selection((matcher,), start_ms, end_ms, end_ms)


EVERY = [
    series("a", [1, 2, 3, 4]),
    series("b", [1, 2, 3, 4], stale=[3]),
    series("c", [2, 4]),
    series("d", [9]),
]


def test_series_of_equal_times_form_a_part() -> None:
    budget = AllowAll()
    selected = MemoryReader(EVERY).select(selection("[a-d]", 1, 4), budget)
    names = [[dict(labels)["__name__"] for labels in part.labels] for part in selected.parts]
    assert names == [["a", "b"], ["c"]]
    assert [part.times.tolist() for part in selected.parts] == [[2, 3, 4], [2, 4]]
    assert (budget.series, budget.samples) == (3, 8)


def test_stale_markers_are_no_values() -> None:
    (part,) = MemoryReader(EVERY).select(selection("b", 0, 9), AllowAll()).parts
    assert part.present.tolist() == [[True, True, False, True]]
    assert part.stale is not None
    assert part.stale.tolist() == [[False, False, True, False]]
    assert np.isnan(part.values[0, 2])


def test_one_part_over_all_times() -> None:
    reader = MemoryReader(EVERY, as_grid=True)
    (part,) = reader.select(selection("[a-d]", 0, 9), AllowAll()).parts
    assert part.times.tolist() == [1, 2, 3, 4, 9]
    assert part.present.tolist()[2] == [False, True, False, True, False]
    assert part.values[2, 3] == 40.0


def test_nothing_is_selected() -> None:
    for as_grid in (False, True):
        reader = MemoryReader(EVERY, as_grid=as_grid)
        assert reader.select(selection("x", 0, 9), AllowAll()).parts == []
        assert reader.select(selection("d", 9, 20), AllowAll()).parts == []


def test_opaque_samples_cannot_be_read() -> None:
    opaque = MemorySeries(
        label_set({"__name__": "h"}),
        np.empty(0, np.int64),
        np.empty(0),
        opaque_times=np.array([5], np.int64),
    )
    reader = MemoryReader([*EVERY, opaque])
    assert reader.select(selection("h", 5, 9), AllowAll()).parts == []
    with pytest.raises(OpaqueSelected):
        reader.select(selection("h", 4, 5), AllowAll())
    assert issubclass(OpaqueSelected, QueryFailed)
