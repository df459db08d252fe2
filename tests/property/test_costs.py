"""Costs add up to the last digit, and do not depend on the order in which series and points come.

Capacity and consumption are random, with gaps, switches of the mode and quantities that no double
adds up exactly. What a range costs is what any two adjacent parts of it cost together.
"""

from dataclasses import fields, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dynamodb.cost import TableCost, cost_of_table
from app.dynamodb.cost_figures import Amounts
from app.dynamodb.cost_hours import hours_of_tables
from app.dynamodb.cost_parts import joined, parts_of
from app.dynamodb.days import days_of, whole_hours
from app.dynamodb.money import known_total
from app.dynamodb.reader import MetricSeries
from tests.unit.dynamodb.capacity import HOUR_MS, PRICES, STANDARD, START_MS, costs, series

HOURS = 6
METRICS = (
    "ConsumedReadCapacityUnits",
    "ConsumedWriteCapacityUnits",
    "ProvisionedReadCapacityUnits",
    "ProvisionedWriteCapacityUnits",
)
UNITS = st.floats(0, 1e7, allow_subnormal=False) | st.integers(0, 5000).map(lambda n: n / 2)


@st.composite
def some_series(draw: st.DrawFn) -> MetricSeries:
    metric = draw(st.sampled_from(METRICS))
    minutes = draw(
        st.lists(st.integers(-90, HOURS * 60 + 90), min_size=1, max_size=40, unique=True)
    )
    values = draw(st.lists(UNITS, min_size=len(minutes), max_size=len(minutes)))
    return series(
        metric,
        list(zip(minutes, values, strict=True)),
        table=draw(st.sampled_from(("orders", "users"))),
        index=draw(st.sampled_from(("", "", "by-date"))),
        source=draw(st.sampled_from(("", "", "GlobalTable"))) if "Write" in metric else "",
    )


def amounts(tables: list[TableCost]) -> dict[str, Decimal | None]:
    return {
        field.name: known_total(getattr(table.total.amounts, field.name) for table in tables)
        for field in fields(Amounts)
    }


@settings(max_examples=60, deadline=None)
@given(
    st.lists(some_series(), min_size=1, max_size=8),
    st.integers(1, HOURS - 1),
    st.sampled_from([0, 2 * HOUR_MS, -int(3.5 * HOUR_MS), int(5.75 * HOUR_MS)]),
)
def test_costs_of_adjacent_ranges_add_up(
    given_series: list[MetricSeries], cut: int, offset_ms: int
) -> None:
    # Hours begin where those of the offset do.
    begin = -(offset_ms % HOUR_MS) / HOUR_MS
    whole = amounts(costs(given_series, HOURS, from_hour=begin, offset_ms=offset_ms))
    first = amounts(costs(given_series, cut, from_hour=begin, offset_ms=offset_ms))
    rest = amounts(costs(given_series, HOURS - cut, from_hour=begin + cut, offset_ms=offset_ms))
    for name, amount in whole.items():
        assert amount == known_total((first[name], rest[name])), name


@settings(max_examples=40, deadline=None)
@given(st.lists(some_series(), min_size=1, max_size=6), st.integers(1, HOURS))
def test_hours_do_not_depend_on_the_parts_they_are_read_in(
    given_series: list[MetricSeries], at_once: int
) -> None:
    span = whole_hours(START_MS, START_MS + HOURS * HOUR_MS, 0)
    days = days_of(span, 0)
    parts = [(part, hours_of_tables(given_series, part)) for part in parts_of(span, at_once)]
    together = [cost_of_table(hours, PRICES, span, days) for hours in joined(parts, span)]
    whole = costs(given_series, HOURS)
    assert [replace(one, resources=()) for one in together] == [
        replace(one, resources=()) for one in whole
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(some_series(), min_size=1, max_size=6), st.integers(0, 2**32))
def test_the_order_of_series_and_points_makes_no_difference(
    given_series: list[MetricSeries], seed: int
) -> None:
    shuffled = []
    generator = np.random.default_rng(seed)
    for one in given_series:
        order = generator.permutation(len(one.starts_ms))
        shuffled.append(
            MetricSeries(
                one.series_id,
                one.identity,
                one.starts_ms[order],
                one.period_ms[order],
                one.count[order],
                one.total[order],
                one.minimum[order],
                one.maximum[order],
                {},
            )
        )
    generator.shuffle(shuffled)
    assert costs(shuffled, HOURS) == costs(given_series, HOURS)


@settings(max_examples=60, deadline=None)
@given(st.lists(UNITS, min_size=1, max_size=60))
def test_on_demand_cost_is_that_of_the_exact_sum(units: list[float]) -> None:
    (table,) = costs([series("ConsumedReadCapacityUnits", list(enumerate(units)))], 1)
    price = STANDARD.million_read_request_units
    assert price is not None
    exact = sum(map(Fraction, units)) * Fraction(price) / 1_000_000
    cost = table.total.amounts.cost
    assert cost is not None
    # One rounding of the sum to a double, one of the amount to 10^-12.
    assert abs(Fraction(cost) - exact) <= exact / 2**53 + Fraction(1, 2 * 10**12)
