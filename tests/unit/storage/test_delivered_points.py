"""The points of a batch: one of each key, by the rule that is told here a second time."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.otlp import BatchBuilder
from app.storage.delivered_points import point_columns

POINTS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 4).map(lambda n: n * 30_000),
        st.integers(1, 3).map(float),
        st.floats(0, 10),
        st.lists(st.tuples(st.sampled_from(["p50", "p99"]), st.floats(0, 10)), max_size=2),
    ),
    max_size=30,
)


@given(points=POINTS)
def test_the_highest_count_stands_and_at_equal_count_the_latest(
    points: list[tuple[int, int, float, float, list[tuple[str, float]]]],
) -> None:
    builder = BatchBuilder()
    expected: dict[tuple[int, int, int], tuple[float, float]] = {}
    extras: dict[tuple[int, int, int, str], tuple[float, float]] = {}
    for series, start_ms, count, total, given_extras in points:
        builder.add(series, start_ms, 60_000, (count, total, math.nan, math.nan), given_extras)
        key = start_ms // 60_000, series, start_ms % 60_000
        if count >= expected.get(key, (0.0, 0.0))[0]:
            expected[key] = count, total
        for name, value in given_extras:
            if count >= extras.get((*key, name), (0.0, 0.0))[0]:
                extras[*key, name] = count, value
    batch = builder.build()
    columns = point_columns(batch, batch.slot)
    keys = list(
        zip(
            columns.minute.tolist(),
            columns.series_id.tolist(),
            columns.offset_ms.tolist(),
            strict=True,
        )
    )
    assert keys == sorted(expected)
    values = zip(columns.count.tolist(), columns.total.tolist(), strict=True)
    assert dict(zip(keys, values, strict=True)) == expected
    of_extras = columns.extras
    found = {
        (minute, series, offset, of_extras.names[number]): (count, value)
        for minute, series, offset, number, value, count in zip(
            of_extras.minute.tolist(),
            of_extras.series_id.tolist(),
            of_extras.offset_ms.tolist(),
            of_extras.statistic.tolist(),
            of_extras.value.tolist(),
            of_extras.count.tolist(),
            strict=True,
        )
    }
    standing = {key: extra for key, extra in extras.items() if extra[0] == expected[key[:3]][0]}
    assert found == standing
    assert list(found) == sorted(standing)
    assert len(found) == len(of_extras)


def test_an_empty_batch_has_no_points() -> None:
    batch = BatchBuilder().build()
    assert len(point_columns(batch, np.empty(0, np.int64))) == 0
