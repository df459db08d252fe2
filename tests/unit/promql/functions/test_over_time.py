"""Windows of time, computed by hand."""

import math

import pytest

from app.errors import QueryFailed
from app.promql.functions import KEEPS_NAME
from tests.unit.promql.functions.made import of_windows, windows

NAN = math.nan


def one(name: str, values: list[float | None], *scalars: float) -> float | None:
    """The function over all values, which are a second apart, the last one at 9 s."""
    times = range(10_000 - 1000 * len(values), 10_000, 1000)
    return of_windows(name, windows({"x": values}, times, [9_000], 100_000), *scalars).only[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("avg_over_time", 4.0),
        ("count_over_time", 4.0),
        ("first_over_time", 2.0),
        ("last_over_time", 3.0),
        ("mad_over_time", 0.5),
        ("max_over_time", 9.0),
        ("min_over_time", 2.0),
        ("present_over_time", 1.0),
        ("stddev_over_time", math.sqrt(8.5)),
        ("stdvar_over_time", 8.5),
        ("sum_over_time", 16.0),
        ("ts_of_first_over_time", 5.0),
        ("ts_of_last_over_time", 9.0),
        ("ts_of_max_over_time", 8.0),
        ("ts_of_min_over_time", 7.0),
        ("changes", 2.0),
        ("deriv", 0.8),
    ],
)
def test_of_a_few_samples(name: str, value: float) -> None:
    # 2 at 5 s, 2 at 7 s, 9 at 8 s, 3 at 9 s.
    assert one(name, [2.0, None, 2.0, 9.0, 3.0]) == pytest.approx(value, rel=1e-15)


def test_a_window_is_open_on_the_left() -> None:
    over = windows({"x": [1.0, 2.0, 4.0]}, [0, 1000, 2000], [999, 1000, 2000, 3000, 4000], 1000)
    assert of_windows("sum_over_time", over).only == [1.0, 2.0, 4.0, None, None]


def test_nan_is_neither_smallest_nor_largest_among_numbers() -> None:
    assert one("min_over_time", [NAN, 2.0, 1.0]) == 1.0
    assert one("max_over_time", [1.0, 2.0, NAN]) == 2.0
    alone = one("max_over_time", [NAN, NAN])
    assert alone is not None
    assert math.isnan(alone)
    assert one("ts_of_max_over_time", [NAN, NAN, None]) == 8.0
    assert one("ts_of_max_over_time", [7.0, NAN, 7.0, 1.0]) == 8.0
    assert one("count_over_time", [NAN, None]) == 1.0


def test_quantiles_lie_between_two_samples() -> None:
    values: list[float | None] = [4.0, 1.0, None, 2.0]
    assert one("quantile_over_time", values, 0.5) == 2.0
    assert one("quantile_over_time", values, 0.75) == 3.0
    assert one("quantile_over_time", values, 0.0) == 1.0
    assert one("quantile_over_time", values, 1.0) == 4.0
    assert one("quantile_over_time", [NAN, 3.0, 5.0], 1.0) == 5.0


@pytest.mark.parametrize(
    ("quantile", "value", "text"),
    [(1.5, math.inf, "1.5"), (-1.0, -math.inf, "-1"), (NAN, NAN, "NaN"), (2e7, math.inf, "2e+07")],
)
def test_beyond_zero_and_one_there_are_no_quantiles(
    quantile: float, value: float, text: str
) -> None:
    found = of_windows("quantile_over_time", windows({"x": [1.0]}, [0], [0], 1000), quantile)
    assert found.only == [pytest.approx(value, nan_ok=True)]
    assert found.warnings == [
        f"PromQL warning: quantile value should be between 0 and 1, got {text}"
    ]


def test_deviations_of_large_numbers_are_not_lost() -> None:
    assert one("stdvar_over_time", [1e9 + 1, 1e9 + 2, 1e9 + 3]) == pytest.approx(2 / 3, rel=1e-15)
    assert one("stddev_over_time", [0.1, 0.1, 0.1]) == 0.0


def test_a_line_goes_on_from_the_time_of_evaluation() -> None:
    over = windows({"x": [1.0, 3.0, 5.0]}, [1000, 2000, 3000], [3500], 100_000)
    assert of_windows("deriv", over).only == [2.0]
    assert of_windows("predict_linear", over, 10.0).only == [26.0]
    # With an offset the window lies back, not the time from which is predicted.
    assert of_windows("predict_linear", over, 10.0, offset_ms=1_000).only == [28.0]


def test_a_level_line_is_level_to_the_last_bit() -> None:
    assert one("deriv", [0.1] * 7) == 0.0
    assert one("predict_linear", [0.1] * 7, 1e6) == 0.1


@pytest.mark.parametrize("values", [[math.inf, math.inf], [1.0, math.inf], [NAN, NAN], [1.0, NAN]])
def test_infinite_samples_have_no_line(values: list[float | None]) -> None:
    for name, scalars in (("deriv", ()), ("predict_linear", (5.0,))):
        value = one(name, values, *scalars)
        assert value is not None
        assert math.isnan(value)


def test_smoothing_follows_level_and_trend() -> None:
    assert one("double_exponential_smoothing", [1.0, 2.0, 3.0], 0.2, 0.9) == pytest.approx(3.0)
    # Level 0, trend 4; then level 4; then trend 0.5·(4−0) + 0.5·4 = 4, level 0.5·0 + 0.5·(4+4) = 4.
    assert one("double_exponential_smoothing", [0.0, 4.0, None, 0.0], 0.5, 0.5) == 4.0
    assert one("double_exponential_smoothing", [1.0, None], 0.5, 0.5) is None


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ((0.0, 0.5), "invalid smoothing factor. Expected: 0 < sf < 1, got: 0.000000"),
        ((0.5, 1.0), "invalid trend factor. Expected: 0 < tf < 1, got: 1.000000"),
    ],
)
def test_smoothing_factors_lie_between_zero_and_one(
    factors: tuple[float, float], message: str
) -> None:
    with pytest.raises(QueryFailed) as refused:
        one("double_exponential_smoothing", [1.0, 2.0], *factors)
    assert refused.value.message == message


def test_only_samples_as_they_were_keep_their_name() -> None:
    assert {"first_over_time", "last_over_time"} == KEEPS_NAME
