"""Lines of least squares, and when they reach a level: by hand and by simulation."""

import numpy as np
import pytest

from app.dynamodb.trend import autocorrelation, fit, student

# The tables in Abramowitz and Stegun, 26.10.
QUANTILES = {4: 2.776, 5: 2.571, 6: 2.447, 12: 2.179, 26: 2.056, 60: 2.000, 120: 1.980}


@pytest.mark.parametrize("freedom", QUANTILES)
def test_students_quantiles_are_those_of_the_tables(freedom: int) -> None:
    assert student(freedom) == pytest.approx(QUANTILES[freedom], abs=0.001)


def test_a_line_and_its_errors_are_those_worked_out_by_hand() -> None:
    # Means 3 and 4; sums of squares 10, 16 and products 12, so the slope is 1.2 and what is left
    # 16 - 1.2 * 12 = 1.6, of 3 degrees of freedom.
    line = fit(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 2, 4, 6, 6]))
    assert (line.n, line.mean_time, line.mean_value, line.time_squares) == (5, 3.0, 4.0, 10.0)
    assert line.slope == pytest.approx(1.2)
    assert line.residuals == pytest.approx(np.array([0.4, -0.8, 0.0, 0.8, -0.4]))
    assert line.residual_error == pytest.approx((1.6 / 3) ** 0.5)
    assert line.slope_error == pytest.approx((1.6 / 30) ** 0.5)
    assert line.r_squared == pytest.approx(0.9)
    assert line.is_sloped


def test_at_the_ends_of_the_interval_the_line_is_just_as_far_off_as_its_error_there() -> None:
    line = fit(np.arange(8.0), np.array([10.0, 13, 11, 15, 14, 18, 16, 19]))
    found = line.crossing(30.0)
    assert found.earliest < found.time < found.latest
    assert found.latest - found.time > found.time - found.earliest
    assert line.mean_value + line.slope * (found.time - line.mean_time) == pytest.approx(30.0)
    for end in (found.earliest, found.latest):
        away = end - line.mean_time
        height = line.mean_value + line.slope * away
        error = line.residual_error * (1 / line.n + away**2 / line.time_squares) ** 0.5
        assert abs(height - 30.0) == pytest.approx(student(line.n - 2) * error)


def test_the_interval_has_the_true_time_in_it_in_95_of_100_cases() -> None:
    draws = np.random.default_rng(7)
    times, tries = np.arange(20.0), 2_000
    inside = 0
    for _ in range(tries):
        found = fit(times, 20 + 2 * times + draws.normal(0, 5, len(times))).crossing(100.0)
        inside += found.earliest <= 40.0 <= found.latest
    # Three standard errors of 95 %.
    assert inside / tries == pytest.approx(0.95, abs=0.015)


def test_a_line_without_residuals_reaches_a_level_at_a_time_that_is_sure() -> None:
    times = np.arange(10.0)
    line = fit(times, 0.1 + 0.3 * times)
    found = line.crossing(30.1)
    assert (line.residual_error, line.r_squared) == (0.0, 1.0)
    assert found.time == found.earliest == found.latest == pytest.approx(100.0)


@pytest.mark.parametrize("values", [np.full(9, 4.0), np.array([1.0, -1, 1, -1, 1, -1, 1, -1, 1])])
def test_what_does_not_grow_is_not_sloped(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    line = fit(np.arange(9.0), values)
    assert not line.is_sloped
    assert line.r_squared == pytest.approx(0.0, abs=1e-12)


def test_likeness_of_residuals_leaves_out_those_that_are_missing() -> None:
    # 1 * 1 + 1 * -1 + -1 * -1, over five squares; the one that is missing has no neighbours.
    residuals = np.array([1.0, 1.0, -1.0, -1.0, np.nan, 1.0])
    assert autocorrelation(residuals, 1) == pytest.approx(0.2)
    assert autocorrelation(residuals, 2) == pytest.approx((-1 - 1 - 1) / 5)
    assert autocorrelation(np.zeros(5), 1) == 0.0
