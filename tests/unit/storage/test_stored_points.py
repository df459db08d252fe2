"""What stands of points in several places: it must not matter how they are put together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.arrays import IntArray
from app.storage.stored_points import StoredExtras, StoredPoints

# Two minutes that are far apart do not fit the usual keys.
MINUTES = st.sampled_from([29_000_000, 29_000_001, 29_200_000])
POINTS = st.lists(
    st.tuples(
        MINUTES,
        st.sampled_from([1, 2, 2**31 - 1]),
        st.sampled_from([0, 59_999]),
        st.sampled_from([1.0, 2.0]),
        st.sampled_from([0.5, 1.5]),
        st.booleans(),
        st.lists(st.tuples(st.sampled_from(["p50", "p99", "x"]), st.sampled_from([1.0, 2.0]))),
    ),
    max_size=6,
)


def part(
    rows: list[tuple[int, int, int, float, float, bool, list[tuple[str, float]]]],
) -> StoredPoints:
    """A part as it is stored: of what came together, what stands."""
    points, of_row = delivered(rows)
    return StoredPoints.of_delivery(points, of_row)


def delivered(
    rows: list[tuple[int, int, int, float, float, bool, list[tuple[str, float]]]],
) -> tuple[StoredPoints, IntArray]:
    """Points as they come, and the row of each extra statistic's point."""
    minute, series, offset = (np.array([row[n] for row in rows], np.int64) for n in range(3))
    count, total = (np.array([row[n] for row in rows], np.float64) for n in (3, 4))
    backfilled = np.array([row[5] for row in rows], np.bool_)
    names = sorted({name for row in rows for name, _ in row[6]})
    of_row = np.array([n for n, row in enumerate(rows) for _ in dict(row[6])], np.int64)
    extras = [pair for row in rows for pair in dict(row[6]).items()]
    period = np.full(len(rows), 60_000, np.int64)
    none = np.full(len(rows), np.nan)
    extra_columns = StoredExtras(
        minute[of_row],
        series[of_row],
        offset[of_row],
        np.array([names.index(name) for name, _ in extras], np.int64),
        np.array([value for _, value in extras], np.float64),
        count[of_row],
        backfilled[of_row],
        tuple(names),
    )
    points = StoredPoints(
        minute, series, offset, period, count, total, none, none, backfilled, extra_columns
    )
    return points, of_row


def content(points: StoredPoints) -> list[tuple[object, ...]]:
    extras = points.extras
    names = [extras.names[number] for number in extras.statistic.tolist()]
    columns = points.minute, points.series_id, points.offset_ms, points.count, points.total
    return [
        *zip(*(column.tolist() for column in columns), points.backfilled.tolist(), strict=True),
        *zip(points.extra_rows.tolist(), names, extras.value.tolist(), strict=True),
    ]


@given(parts=st.lists(POINTS, max_size=5), cut=st.integers(0, 5))
def test_parts_may_be_put_together_in_any_grouping(
    parts: list[list[tuple[int, int, int, float, float, bool, list[tuple[str, float]]]]], cut: int
) -> None:
    each = [part(rows) for rows in parts]
    all_at_once = StoredPoints.standing(each)
    early, late = StoredPoints.standing(each[:cut]), StoredPoints.standing(each[cut:])
    assert content(StoredPoints.standing([early, late])) == content(all_at_once)
    # What is being moved is in two places.
    assert content(StoredPoints.standing([all_at_once, *each])) == content(all_at_once)
    assert content(StoredPoints.standing([early, *each])) == content(all_at_once)


@given(points=POINTS)
def test_what_stands_is_in_order_and_found_again(
    points: list[tuple[int, int, int, float, float, bool, list[tuple[str, float]]]],
) -> None:
    stored = part(points)
    keys = list(
        zip(
            stored.minute.tolist(),
            stored.series_id.tolist(),
            stored.offset_ms.tolist(),
            strict=True,
        )
    )
    assert keys == sorted({row[:3] for row in points})
    assert stored.rows_of(stored).tolist() == list(range(len(stored)))
    assert stored.take(np.arange(0)).rows_of(stored).tolist() == [-1] * len(stored)
    some = stored.where(stored.series_id == 2)
    assert [row[1] for row in content(some)[: len(some)]] == [2] * len(some)
    assert set(some.extras.series_id.tolist()) <= {2}


@given(points=POINTS)
def test_where_the_points_of_extras_are_known_they_need_not_be_found(
    points: list[tuple[int, int, int, float, float, bool, list[tuple[str, float]]]],
) -> None:
    came, of_row = delivered(points)
    assert content(StoredPoints.of_delivery(came, of_row)) == content(StoredPoints.standing([came]))


@pytest.mark.parametrize("repeats", [1, 2])
def test_points_in_no_order_stand_as_those_in_a_few_runs(repeats: int) -> None:
    order = np.random.default_rng(7).permutation(500)
    rows = [
        (29_000_000, int(series), 0, 1.0, float(n), False, [("p50", float(n)), ("p99", 1.0)])
        for n, series in enumerate(np.tile(order, repeats).tolist())
    ]
    last = {row[1]: row for row in rows}
    assert content(part(rows)) == content(part([last[series] for series in sorted(last)]))
