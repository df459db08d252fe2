"""Columns on their way to rows: one point per key, by the rule that SQL applies too."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.otlp import BatchBuilder
from app.storage.columns import extra_columns, point_columns

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
    values = zip(columns.sample_count.tolist(), columns.total.tolist(), strict=True)
    assert dict(zip(keys, values, strict=True)) == expected
    of_extras = extra_columns(batch, batch.slot)
    found = {
        (minute, series, offset, name): (count, value)
        for minute, series, offset, name, value, count in zip(
            of_extras.minute.tolist(),
            of_extras.series_id.tolist(),
            of_extras.offset_ms.tolist(),
            of_extras.statistic,
            of_extras.value.tolist(),
            of_extras.sample_count.tolist(),
            strict=True,
        )
    }
    assert found == extras


def test_an_empty_batch_has_empty_columns() -> None:
    batch = BatchBuilder().build()
    assert len(point_columns(batch, np.empty(0, np.int64))) == 0
    assert len(extra_columns(batch, np.empty(0, np.int64))) == 0
