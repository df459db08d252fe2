"""Minutes combined as matrices are those combined as rows, to the last bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.arrays import FloatArray
from app.mal import Combine
from app.pipeline.combining import combine_matrix, combine_values, neighbours
from app.storage import ValueMatrix, ValueRange
from app.summation import exact_column_sums, exact_sum

NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 0.1, -0.1, 2.0**53, 1e300, -1e300, 1e-300, np.inf, -np.inf]),
    st.floats(allow_nan=False),
    st.integers(-1000, 1000).map(lambda number: number / 4),
)
ABSENT = st.just(float("nan"))
SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 6))


@st.composite
def matrices(draw: st.DrawFn) -> ValueMatrix:
    """Series of some minutes; each has a value, averages may lack weights or what they weigh."""
    minutes, series = draw(SHAPES)

    def matrix(numbers: st.SearchStrategy[float]) -> FloatArray:
        size = minutes * series
        cells = draw(st.lists(numbers, min_size=size, max_size=size))
        return np.array(cells, np.float64).reshape(minutes, series)

    value = matrix(st.one_of(NUMBERS, NUMBERS, ABSENT))
    value[draw(st.integers(0, minutes - 1))] = draw(st.integers(-9, 9)) / 3
    absent = np.isnan(value)
    weight = matrix(st.one_of(st.integers(0, 9).map(float), NUMBERS, ABSENT))
    numerator = matrix(st.one_of(NUMBERS, NUMBERS, ABSENT))
    weight[absent] = numerator[absent] = np.nan
    parts = draw(st.sampled_from(["both", "weight", "none"]))
    ids = np.arange(series)
    return ValueMatrix(
        np.ones(series, np.int64),
        ids,
        ids,
        value,
        numerator if parts == "both" else None,
        None if parts == "none" else weight,
    )


def as_rows(values: ValueMatrix) -> ValueRange:
    present = ~np.isnan(values.value).T
    series, minute = np.nonzero(present)
    value, numerator, weight = (
        np.full(len(series), np.nan) if column is None else column.T[present]
        for column in (values.value, values.numerator, values.weight)
    )
    ids = values.entity_id[series], values.label_set_id[series]
    ones = np.ones(len(series), np.int64)
    return ValueRange(*ids, minute, value, numerator, weight, ones)


def bits(column: FloatArray) -> list[str]:
    return [float(number).hex() for number in column]


@given(values=matrices(), combine=st.sampled_from(Combine))
@settings(max_examples=300, deadline=None)
def test_matrices_are_combined_as_rows_are(values: ValueMatrix, combine: Combine) -> None:
    rows = as_rows(values)
    expected = combine_values(rows, neighbours(rows.entity_id, rows.label_set_id), combine)
    found = combine_matrix(values, combine)
    assert found.minutes.tolist() == expected.minutes.tolist()
    for name in ("value", "numerator", "weight"):
        assert bits(getattr(found, name)) == bits(getattr(expected, name)), name


@given(matrix=matrices())
@settings(max_examples=300, deadline=None)
def test_sums_of_columns_are_exact(matrix: ValueMatrix) -> None:
    numbers = np.nan_to_num(matrix.value, nan=0.5, posinf=np.inf, neginf=-np.inf)
    expected = [exact_sum(column) + 0.0 for column in numbers.T]
    assert bits(exact_column_sums(numbers) + 0.0) == bits(np.array(expected))
