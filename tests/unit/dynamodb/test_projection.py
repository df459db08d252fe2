"""When a utilisation reaches 100 %, and each reason for which nothing is told."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.arrays import FloatArray
from app.dynamodb.projection import DAY_MS, HOUR_MS, Hours, Outcome, Projection, project

END_MS = 1_769_864_400_000
HOURS = 24


def hours_of(by_day: npt.ArrayLike, *, limit: float = 100.0) -> Hours:
    """Days that end at the end, the newest last: each has its peak in its tenth hour."""
    peaks = np.asarray(by_day, np.float64)
    size = len(peaks) * HOURS
    starts_ms = END_MS - HOUR_MS * np.arange(size, 0, -1)
    percent = np.repeat(peaks / 2, HOURS)
    percent[10::HOURS] = peaks
    return Hours(starts_ms, percent, np.full(size, limit))


def without(hours: Hours, chosen: slice) -> Hours:
    """The hours without some of them."""
    rows = np.delete(np.arange(len(hours.starts_ms)), chosen)
    return Hours(hours.starts_ms[rows], hours.percent[rows], hours.limit[rows])


def of(hours: Hours, days: int) -> Projection:
    return project(hours, END_MS - days * DAY_MS, END_MS)


def noise(size: int, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).normal(0, 1, size)


def test_a_line_without_noise_reaches_its_limit_when_it_does() -> None:
    # The newest day is at 66.5 %, its peak stands half a day before the end: 33.5 days from there.
    found = of(hours_of(40 + np.arange(14) + 13.5), 14)
    assert found.outcome is Outcome.PROJECTED
    assert (found.peak, found.periods, found.period_days) == (66.5, 14, 1)
    assert found.growth == pytest.approx(1.0)
    assert found.reached_ms == found.earliest_ms == found.latest_ms == END_MS + 33 * DAY_MS


def test_noise_makes_the_time_uncertain_and_more_days_less_so() -> None:
    widths = []
    for days in (14, 28):
        found = of(hours_of(70 - np.arange(days)[::-1] + noise(days)), days)
        assert found.outcome is Outcome.PROJECTED
        assert found.earliest_ms is not None
        assert found.reached_ms is not None
        assert found.latest_ms is not None
        assert found.earliest_ms < found.reached_ms < found.latest_ms
        assert found.earliest_ms < END_MS + 30.5 * DAY_MS < found.latest_ms
        widths.append(found.latest_ms - found.earliest_ms)
    assert widths[1] < widths[0]


def test_a_limit_that_was_reached_needs_no_line() -> None:
    peaks = np.array([20.0, 30.0, 100.0])
    assert of(hours_of(peaks), 3).outcome is Outcome.REACHED
    peaks[-1] = 99.9
    assert of(hours_of(peaks), 3).outcome is Outcome.TOO_LITTLE_DATA


def test_a_line_that_should_be_over_the_limit_reaches_it_now_and_not_before() -> None:
    # A jump at the end would not be a line; a last day below it is.
    peaks = 73 + 2.0 * np.arange(14)
    peaks[-1] = 96.0
    found = of(hours_of(peaks), 14)
    assert found.outcome is Outcome.PROJECTED
    assert found.earliest_ms == END_MS


@pytest.mark.parametrize(("days", "outcome"), [(13, "too_little_data"), (14, "projected")])
def test_two_weeks_are_enough(days: int, outcome: str) -> None:
    assert of(hours_of(60 + np.arange(float(days))), days).outcome == outcome
    # Days before the range do not count.
    assert of(hours_of(60 + np.arange(20.0)), days).outcome == outcome


@pytest.mark.parametrize(("missing", "days"), [(6, 14), (7, 13)])
def test_a_day_of_which_more_than_a_quarter_is_missing_does_not_count(
    missing: int, days: int
) -> None:
    hours = without(hours_of(40 + np.arange(14.0)), slice(5 * HOURS + 12, 5 * HOURS + 12 + missing))
    found = of(hours, 14)
    assert found.periods == days
    # A line with a gap is the same line.
    longer = without(hours_of(40 + np.arange(15.0)), slice(5 * HOURS + 11, 6 * HOURS))
    whole = of(hours_of(40 + np.arange(15.0)), 15)
    assert of(longer, 15).reached_ms == whole.reached_ms


def test_without_the_last_day_nothing_is_told() -> None:
    hours = hours_of(40 + np.arange(20.0))
    found = of(without(hours, slice(19 * HOURS, 19 * HOURS + 7)), 20)
    assert (found.outcome, found.periods) == (Outcome.TOO_LITTLE_DATA, 19)
    assert "fewer than 18 hours" in found.reason
    nothing = Hours(np.empty(0, np.int64), np.empty(0), np.empty(0))
    assert of(nothing, 20).outcome is Outcome.TOO_LITTLE_DATA


def test_only_days_with_the_limit_of_today_count() -> None:
    hours = hours_of(np.r_[80 + np.arange(10.0), 40 + np.arange(18.0)])
    hours.limit[: 10 * HOURS] = 50.0
    found = of(hours, 28)
    assert (found.outcome, found.periods) == (Outcome.PROJECTED, 18)
    assert found.growth == pytest.approx(1.0)
    # It changed in the middle of a day, which then had two.
    hours.limit[: 14 * HOURS + 1] = 50.0
    found = of(hours, 28)
    assert (found.outcome, found.periods) == (Outcome.LIMIT_CHANGED, 13)
    # A limit that is not known at all, or at times, has not changed.
    hours.limit[::2] = np.nan
    hours.limit[1::2] = 100.0
    assert of(replace(hours, percent=hours_of(40 + np.arange(28.0)).percent), 28).periods == 28
    unknown = replace(hours, limit=np.full(len(hours.limit), np.nan))
    assert of(unknown, 28).periods == 28


def test_what_auto_scaling_changes_every_day_is_not_projected() -> None:
    hours = hours_of(60 + np.arange(28.0))
    hours.limit[5::24] = 80.0
    assert of(hours, 28).outcome is Outcome.LIMIT_CHANGED


@pytest.mark.parametrize("slope", [0.0, -1.0, 0.01])
def test_what_does_not_grow_beyond_chance_is_not_projected(slope: float) -> None:
    found = of(hours_of(60 + slope * np.arange(28) + noise(28)), 28)
    assert (found.outcome, found.reached_ms) == (Outcome.NOT_GROWING, None)


def test_growth_within_its_error_is_not_told_from_chance() -> None:
    found = of(hours_of(60 + 0.03 * np.arange(28) + noise(28, 2)), 28)
    assert found.growth is not None
    assert found.growth_error is not None
    assert 0 < found.growth < 2 * found.growth_error
    assert (found.outcome, found.reached_ms) == (Outcome.NOT_GROWING, None)


def test_growth_that_explains_little_is_not_projected() -> None:
    found = of(hours_of(50 + 0.3 * np.arange(28) + 3 * noise(28, 3)), 28)
    assert found.r_squared is not None
    assert found.growth is not None
    assert found.growth_error is not None
    assert found.growth > 2.1 * found.growth_error
    assert found.r_squared < 0.5
    assert found.outcome is Outcome.POOR_FIT


@pytest.mark.parametrize(
    "peaks",
    [
        np.r_[np.full(14, 30.0), np.full(14, 60.0)] + 0.5 * noise(28),
        20 + 0.06 * np.arange(28) ** 2 + 0.5 * noise(28),
    ],
    ids=["jump", "bend"],
)
def test_what_jumps_or_bends_is_not_a_line(peaks: FloatArray) -> None:
    found = of(hours_of(peaks), 28)
    assert found.r_squared is not None
    assert found.r_squared > 0.5
    assert found.outcome is Outcome.NOT_A_LINE


def weekly(days: int) -> FloatArray:
    at_work = np.where(np.arange(days) % 7 < 5, 10.0, 0.0)
    return 30 + 0.5 * np.arange(days) + at_work + 0.5 * noise(days)


def test_days_that_go_with_the_week_are_told_apart_by_weeks() -> None:
    found = of(hours_of(weekly(28)), 28)
    assert (found.outcome, found.period_days, found.periods) == (Outcome.WEEKLY, 1, 28)
    # In eight weeks it is the peaks of weeks that grow, 3.5 points a week.
    found = of(hours_of(weekly(56)), 56)
    assert (found.outcome, found.period_days, found.periods) == (Outcome.PROJECTED, 7, 8)
    assert found.growth == pytest.approx(0.5, abs=0.05)


def test_what_is_farther_than_three_times_the_data_is_not_told() -> None:
    # 42 days from the end, and one more.
    at_limit = 100 - (41.5 + np.arange(14)[::-1] + 0.5)
    assert of(hours_of(at_limit + 0.01), 14).outcome is Outcome.PROJECTED
    assert of(hours_of(at_limit - 1), 14).outcome is Outcome.TOO_FAR


@given(
    hours=st.integers(-100_000, 100_000),
    seed=st.integers(0, 1_000),
    slope=st.floats(-2, 2),
    wave=st.sampled_from([0.0, 5.0]),
)
def test_a_shift_of_all_times_shifts_the_projection(
    hours: int, seed: int, slope: float, wave: float
) -> None:
    days = np.arange(28)
    given_hours = hours_of(50 + slope * days + noise(28, seed) + wave * (days % 7 < 5))
    shift = hours * HOUR_MS
    shifted = replace(given_hours, starts_ms=given_hours.starts_ms + shift)
    found = of(given_hours, 28)
    again = project(shifted, END_MS - 28 * DAY_MS + shift, END_MS + shift)
    if found.reached_ms is not None:
        assert found.earliest_ms is not None
        assert found.latest_ms is not None
        assert END_MS <= found.earliest_ms <= found.reached_ms <= found.latest_ms
        found = replace(
            found,
            reached_ms=found.reached_ms + shift,
            earliest_ms=found.earliest_ms + shift,
            latest_ms=found.latest_ms + shift,
        )
    assert again == found
    # Nor does the order of the hours matter.
    order = np.random.default_rng(seed).permutation(len(shifted.starts_ms))
    mixed = Hours(shifted.starts_ms[order], shifted.percent[order], shifted.limit[order])
    assert project(mixed, END_MS - 28 * DAY_MS + shift, END_MS + shift) == found
