"""Which minutes count as missing."""

import numpy as np
import pytest

from app.pipeline.gaps import GapFinder, Run

FIRST, LAST = 1000, 1300


def gaps(
    *present: range | set[int],
    start: int = FIRST + 50,
    end: int = LAST - 50,
    thorough: bool = False,
    groups: list[int] | None = None,
) -> list[list[Run]]:
    """What series with points in these minutes miss, all of one group unless said otherwise."""
    finder = GapFinder(np.array(groups or [0] * len(present), np.int64), FIRST, LAST)
    for minute in range(FIRST, LAST):
        rows = [row for row, minutes in enumerate(present) if minute in minutes]
        if rows:
            finder.see(minute, np.array(rows, np.int64))
    return finder.gaps(start, end, thorough=thorough)


EACH_MINUTE = range(FIRST, LAST)
WITH_A_GAP = {*range(FIRST, 1100), *range(1130, LAST)}


def test_without_a_gap_nothing_is_missing() -> None:
    assert gaps(EACH_MINUTE) == [[]]


def test_a_gap_of_a_series_of_each_minute() -> None:
    assert gaps(WITH_A_GAP, EACH_MINUTE) == [[(1100, 1130)], []]


def test_one_minute_is_a_gap() -> None:
    assert gaps({*EACH_MINUTE} - {1100}) == [[(1100, 1101)]]


@pytest.mark.parametrize("offset", range(5))
def test_a_series_of_every_five_minutes_misses_what_it_would_have_reported(offset: int) -> None:
    present = {minute for minute in EACH_MINUTE if minute % 5 == offset}
    assert gaps(present) == [[]]
    assert gaps(present, start=FIRST, end=LAST) == [[]]
    lost = {minute for minute in present if 1100 <= minute < 1120}
    ((begin, end),) = gaps(present - lost)[0]
    assert all(begin <= minute < end for minute in lost)
    assert not {minute for minute in present - lost if begin <= minute < end}


def test_only_the_range_asked_for_counts() -> None:
    assert gaps(WITH_A_GAP, start=1110, end=1120) == [[(1110, 1120)]]
    assert gaps(WITH_A_GAP, start=1140, end=1200) == [[]]


def test_gaps_near_each_other_are_asked_for_as_one() -> None:
    assert gaps({*EACH_MINUTE} - {1100, 1159}) == [[(1100, 1160)]]
    assert gaps({*EACH_MINUTE} - {1100, 1161}) == [[(1100, 1101), (1161, 1162)]]


def test_an_outage_at_an_end_of_what_is_looked_at() -> None:
    assert gaps(range(1150, LAST)) == [[(1050, 1150)]]
    assert gaps(range(FIRST, 1150)) == [[(1150, 1250)]]


def test_a_series_without_points_nearby_is_not_missing() -> None:
    assert gaps(set(), WITH_A_GAP) == [[], [(1100, 1130)]]


IRREGULAR = {1003, 1017, 1060, 1061, 1090, 1200}


def test_an_irregular_series_misses_nothing_while_others_report() -> None:
    assert gaps(IRREGULAR, EACH_MINUTE) == [[], []]


def test_an_irregular_series_misses_what_steady_ones_miss() -> None:
    assert gaps(IRREGULAR, WITH_A_GAP, EACH_MINUTE)[0] == [(1100, 1130)]


def test_other_accounts_and_regions_say_nothing_of_an_irregular_series() -> None:
    assert gaps(IRREGULAR, EACH_MINUTE, WITH_A_GAP, groups=[0, 0, 1])[0] == []


def test_a_series_that_ended_says_nothing_of_irregular_ones_unless_most_have() -> None:
    ended = range(FIRST, 1100)
    assert gaps(IRREGULAR, ended, EACH_MINUTE) == [[], [(1100, 1250)], []]
    assert gaps(IRREGULAR, ended, ended, EACH_MINUTE)[0] == [(1100, 1250)]


def test_every_minute_of_an_irregular_series_when_asked_or_without_steady_ones() -> None:
    assert gaps(IRREGULAR, EACH_MINUTE, thorough=True) == [[(1050, 1250)], []]
    assert gaps(IRREGULAR) == [[(1050, 1250)]]


def test_nothing_to_look_at() -> None:
    assert gaps() == []
