"""Range functions against a reference that takes the windows one by one."""

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.promql.functions import RANGE_FUNCTIONS
from tests.unit.promql.functions import reference
from tests.unit.promql.functions.made import Unlimited, of_windows, windows
from tests.unit.promql.functions.reference import Window

OFFSET_MS = 7_000

Reference = Callable[[Window, int, int], float | None]


def of_values(compute: Callable[[Window], float | None]) -> Reference:
    return lambda window, _, __: compute(window)


def if_any(compute: Callable[[Window], float]) -> Reference:
    return lambda window, _, __: compute(window) if window else None


def part(found: tuple[float, float] | None, number: int) -> float | None:
    return None if found is None else found[number]


CASES: dict[str, tuple[Sequence[float], Reference]] = {
    "absent_over_time": ((), if_any(lambda _: 1.0)),
    "avg_over_time": ((), of_values(reference.average)),
    "changes": ((), of_values(lambda w: reference.changes(w, reference.changed))),
    "count_over_time": ((), if_any(lambda w: float(len(w)))),
    "delta": ((), lambda w, start, end: reference.extrapolated(w, start, end, counter=False)),
    "deriv": ((), lambda w, _, end: part(reference.line(w, end), 0)),
    "double_exponential_smoothing": ((0.3, 0.6), of_values(lambda w: reference.holt(w, 0.3, 0.6))),
    "first_over_time": ((), if_any(lambda w: w[0][1])),
    "idelta": ((), of_values(lambda w: reference.irate(w, reset=False))),
    "increase": ((), lambda w, start, end: reference.extrapolated(w, start, end, counter=True)),
    "irate": ((), of_values(lambda w: reference.irate(w, reset=True))),
    "last_over_time": ((), if_any(lambda w: w[-1][1])),
    "mad_over_time": ((), of_values(reference.median_deviation)),
    "max_over_time": ((), of_values(lambda w: part(reference.extreme(w, 1), 0))),
    "min_over_time": ((), of_values(lambda w: part(reference.extreme(w, -1), 0))),
    "predict_linear": ((90.0,), lambda w, _, end: reference.predicted(w, end + OFFSET_MS, 90.0)),
    "present_over_time": ((), if_any(lambda _: 1.0)),
    "quantile_over_time": ((0.7,), of_values(lambda w: reference.quantile(0.7, [v for _, v in w]))),
    "rate": ((), reference.rate),
    "resets": ((), of_values(lambda w: reference.changes(w, lambda a, b: b < a))),
    "stddev_over_time": ((), lambda w, _, __: None if not w else reference.variance(w) ** 0.5),  # type: ignore[operator]
    "stdvar_over_time": ((), of_values(reference.variance)),
    "sum_over_time": ((), of_values(reference.exact_sum)),
    "ts_of_first_over_time": ((), if_any(lambda w: w[0][0] / 1000)),
    "ts_of_last_over_time": ((), if_any(lambda w: w[-1][0] / 1000)),
    "ts_of_max_over_time": ((), of_values(lambda w: part(reference.extreme(w, 1), 1))),
    "ts_of_min_over_time": ((), of_values(lambda w: part(reference.extreme(w, -1), 1))),
}
EXACT = {
    name
    for name in CASES
    if name.startswith(("absent", "count", "first", "last", "max", "min", "present", "sum", "ts_"))
} | {"changes", "resets"}

steady = st.integers(-20, 20).map(float) | st.floats(-1e6, 1e6, width=32)
special = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])


@st.composite
def ranges(draw: st.DrawFn) -> tuple[dict[str, list[float | None]], list[int], list[int], int]:
    """Rows, their times, the ends of the windows and their width."""
    regular = draw(st.booleans())
    count = draw(st.integers(0, 12))
    gaps = [60_000] * count if regular else draw(st.lists(st.integers(1, 200_000), max_size=count))
    times = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    values: st.SearchStrategy[float | None] = steady
    if draw(st.booleans()):
        values |= st.none()
    if draw(st.integers(0, 3)) == 0:
        values |= special
    rows = draw(st.lists(st.lists(values, min_size=len(times), max_size=len(times)), max_size=3))
    first = draw(st.integers(-60_000, 600_000))
    step = draw(st.sampled_from([0, 1_000, 60_000, 170_000]))
    ends = [first + number * step for number in range(draw(st.integers(1, 8)))]
    width = draw(st.sampled_from([1_000, 60_000, 125_000, 300_000, 2_000_000]))
    return {f"x{{row={number}}}": row for number, row in enumerate(rows)}, times, ends, width


def close(found: float | None, expected: float | None, scale: float, *, exact: bool) -> bool:
    if found is None or expected is None:
        return found is expected
    if math.isnan(found) or math.isnan(expected):
        return math.isnan(found) and math.isnan(expected)
    if exact or math.isinf(found) or math.isinf(expected):
        return found == expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9 * scale)


def test_every_range_function_is_compared() -> None:
    assert set(CASES) == set(RANGE_FUNCTIONS)


@pytest.mark.parametrize("name", sorted(CASES))
@settings(max_examples=25, deadline=None)
@given(ranges(), st.sampled_from([1, 20, 2**17]))
def test_all_windows_at_once_are_as_each_by_itself(
    name: str, made: tuple[dict[str, list[float | None]], list[int], list[int], int], cells: int
) -> None:
    rows, times, ends, width = made
    scalars, compute = CASES[name]
    with pytest.MonkeyPatch.context() as patch:
        # So few cells at a time make every series and step a block of its own.
        patch.setattr("app.promql.functions.windows._CELLS", cells)
        found = of_windows(name, windows(rows, times, ends, width), *scalars, offset_ms=OFFSET_MS)
    assert len(found.rows) == len(rows)
    for row, values in zip(rows.values(), found.rows.values(), strict=True):
        for end, value in zip(ends, values, strict=True):
            pairs = zip(times, row, strict=True)
            window = [(at, v) for at, v in pairs if v is not None and end - width < at <= end]
            finite = [abs(v) for _, v in window if math.isfinite(v)]
            # Squares, and slopes over milliseconds, may be a thousand times as large.
            scale = max(finite, default=1.0) * 1000 + 1
            if name == "stdvar_over_time":
                scale *= scale
            if name == "stddev_over_time":
                scale *= 1000
            expected = compute(window, end - width, end)
            assert close(value, expected, scale, exact=name in EXACT), (window, value, expected)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_time_is_checked_again_and_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.promql.functions.windows._CELLS", 1)
    budget = Unlimited()
    over = windows({"x{a=1}": [1.0, 2.0], "x{a=2}": [2.0, 3.0]}, [1_000, 2_000], [2_000], 5_000)
    of_windows(name, over, *CASES[name][0], budget=budget)
    assert budget.checks >= 2
