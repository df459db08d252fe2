"""Which tier answers a period from a start on."""

import pytest

from app.errors import InvalidParameter
from app.query import choose_tier
from app.storage import Tier

MINUTE, FIVE, HOUR = Tier
DAY_MS = 86_400_000
# Minutes from the hour 1,000 on, 5 minutes from the hour 100 on, hours from the hour 10 on.
KEPT = {MINUTE: 1_000 * 60, FIVE: 100 * 60, HOUR: 10 * 60}
HOUR_MS = 3_600_000


def chosen(period: int, start_ms: int) -> tuple[Tier, int]:
    resolution = choose_tier(KEPT, "period", period * 1000, start_ms)
    return resolution.tier, resolution.start_ms


@pytest.mark.parametrize(
    ("period", "hours", "tier"),
    [
        (60, 1_000, MINUTE),
        (3_600, 1_000, MINUTE),
        (300, 999, FIVE),
        # Its sums were rounded once, as those of minutes are.
        (3_600, 999, HOUR),
        (7_200, 999, FIVE),
        (900, 100, FIVE),
        (3_600, 99, HOUR),
        (7_200, 10, HOUR),
        (3_600, 9, HOUR),
    ],
)
def test_the_finest_that_fits_and_goes_back_so_far(period: int, hours: int, tier: Tier) -> None:
    assert chosen(period, hours * HOUR_MS) == (tier, hours * HOUR_MS)


@pytest.mark.parametrize(
    ("period", "tier", "start_ms"),
    [
        (60, MINUTE, 1_000 * HOUR_MS),
        (300, FIVE, 100 * HOUR_MS),
        (3_600, HOUR, 10 * HOUR_MS),
        (86_400, HOUR, DAY_MS),
        # The first whole period: 420 seconds do not divide the hour.
        (420, MINUTE, 3_600_240_000),
    ],
)
def test_without_a_start_it_goes_back_as_far_as_the_period_can(
    period: int, tier: Tier, start_ms: int
) -> None:
    assert chosen(period, 0) == (tier, start_ms)
    assert start_ms % (period * 1000) == 0


def test_as_long_as_nothing_was_deleted_minutes_answer() -> None:
    kept = dict.fromkeys(Tier, 0)
    assert choose_tier(kept, "step", 3_600_000, 0).tier is MINUTE


@pytest.mark.parametrize(
    ("period", "hours", "advice"),
    [
        (60, 999, "a multiple of 300 seconds, or from 1970-02-11T16:00:00Z on"),
        (60, 99, "a multiple of 3600 seconds, or from 1970-02-11T16:00:00Z on"),
        (300, 99, "a multiple of 3600 seconds, or from 1970-01-05T04:00:00Z on"),
        (300, 9, "a multiple of 3600 seconds, or from 1970-01-05T04:00:00Z on"),
    ],
)
def test_what_is_too_fine_is_told_what_to_ask_for(period: int, hours: int, advice: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        chosen(period, hours * HOUR_MS)
    assert caught.value.parameter == "period"
    assert advice in caught.value.message
