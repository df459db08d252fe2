"""``anchored`` and ``smoothed`` against the same computed sample by sample."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from app.clock import SystemClock
from app.errors import QueryFailed
from app.promql.engine import Engine, Limits
from app.promql.testing import MemoryReader, MemorySeries

SERIES, LAST, WINDOW, LOOKBACK = 12, 40, 7, 5
Points = list[tuple[int, float]]


@pytest.fixture(scope="module")
def histories() -> list[Points]:
    rng = random.Random(5)
    made = []
    for _ in range(SERIES):
        share = rng.choice((0.1, 0.3, 0.9))
        times = [time for time in range(LAST) if rng.random() < share]
        made.append([(time, float(rng.randrange(20))) for time in times])
    return made


def on_line(one: tuple[int, float], other: tuple[int, float], at: int, *, counter: bool) -> float:
    begun = 0.0 if counter and other[1] < one[1] else one[1]
    return begun + (other[1] - begun) * (at - one[0]) / (other[0] - one[0])


def expected(points: Points, end: int, modifier: str, *, counter: bool) -> float | None:
    """Of the samples seen around the window (end − WINDOW, end]."""
    start, ahead = end - WINDOW, LOOKBACK if modifier == "smoothed" else 0
    seen = [point for point in points if start - LOOKBACK < point[0] <= end + ahead]
    if not any(time > start for time, _ in seen):
        return None
    earlier = [point for point in seen if point[0] <= start]
    path = [earlier[-1] if earlier else seen[0]]
    path += [point for point in seen if max(start, path[0][0]) < point[0] <= end]
    if modifier == "smoothed":
        if earlier and path[0][0] < start:
            following = seen[len(earlier)]
            path[0] = (start, on_line(path[0], following, start, counter=counter))
        before = [point for point in seen if point[0] < end]
        behind = [point for point in seen if point[0] > end]
        if before and behind and not any(time == end for time, _ in seen):
            path.append((end, on_line(before[-1], behind[0], end, counter=counter)))
    values = [value for _, value in path]
    drops = sum(one for one, other in pairwise(values) if other < one)
    return values[-1] - values[0] + (drops if counter else 0)


@pytest.mark.parametrize("modifier", ["anchored", "smoothed"])
@pytest.mark.parametrize("function", ["increase", "delta", "rate"])
@pytest.mark.parametrize("as_grid", [False, True])
def test_differences(
    histories: list[Points],
    modifier: str,
    function: str,
    as_grid: bool,
) -> None:
    series = [
        MemorySeries(
            (("__name__", "x_total"), ("row", str(row))),
            np.array([time * 1000 for time, _ in points], np.int64),
            np.array([value for _, value in points]),
        )
        for row, points in enumerate(histories)
    ]
    engine = Engine(Limits(lookback_ms=LOOKBACK * 1000), SystemClock())
    reader = MemoryReader(series, as_grid=as_grid)
    query = f"{function}(x_total[{WINDOW}s] {modifier})"
    vector = engine.range(query, 0, (LAST + 10) * 1000, 1000, reader).vector
    assert vector is not None
    rows = dict(zip(vector.labels, zip(vector.values, vector.present, strict=True), strict=True))
    compared = 0
    for row, points in enumerate(histories):
        for end in range(LAST + 10):
            wanted = expected(points, end, modifier, counter=function != "delta")
            values, present = rows.get((("row", str(row)),), (np.zeros(99), np.zeros(99, np.bool_)))
            assert bool(present[end]) is (wanted is not None), (row, end)
            if wanted is not None:
                scale = WINDOW if function == "rate" else 1
                assert math.isclose(values[end] * scale, wanted, abs_tol=1e-9), (row, end)
                compared += 1
    assert compared > 100


def test_functions_that_cannot_see_beyond_their_windows() -> None:
    engine = Engine(Limits(), SystemClock())
    for query in ("avg_over_time(x[5m] anchored)", "resets(x[5m] smoothed)"):
        with pytest.raises(QueryFailed, match=r"modifier can only be used with: .*delta"):
            engine.instant(query, 0, MemoryReader([]))
