"""Costs of tables against amounts worked out by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.dynamodb.cost import break_even
from app.dynamodb.cost_advice import advice_of
from app.dynamodb.cost_hours import Mode
from app.dynamodb.days import days_of, offset_text, parse_utc_offset, whole_hours
from app.dynamodb.prices import CapacityPrices, TablePattern
from app.errors import InvalidParameter
from tests.unit.dynamodb.capacity import (
    HOUR_MS,
    MINUTE_MS,
    PRICES,
    REGION,
    STANDARD,
    START_MS,
    costs,
    series,
    settings,
    steady,
)

READS, WRITES = "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"
READ_SETTING, WRITE_SETTING = "ProvisionedReadCapacityUnits", "ProvisionedWriteCapacityUnits"
TWO_HOURS = range(120)


def test_provisioned_capacity_is_paid_by_the_hour_whatever_is_consumed() -> None:
    (table,) = costs(
        [
            settings(READ_SETTING, 100, TWO_HOURS),
            settings(WRITE_SETTING, 50, TWO_HOURS),
            steady(READS, 1200, TWO_HOURS),
        ],
        2,
    )
    # 100 × 2 h × 0.00013 + 50 × 2 h × 0.00065
    assert table.total.amounts.provisioned == Decimal("0.091")
    assert table.total.amounts.on_demand == 0
    assert table.total.amounts.cost == Decimal("0.091")
    # 120 minutes × 1,200 units × 0.125 / 10^6
    assert table.total.amounts.if_on_demand == Decimal("0.018")
    quantities = table.total.quantities
    assert quantities.provisioned_read_unit_hours == 200
    assert quantities.consumed_read_units == 144_000
    # 1,200 units a minute are 20 a second: 80 of 100 are unused.
    assert quantities.unused_read_unit_hours == 160
    assert quantities.unused_write_unit_hours == 100
    # 160 × 0.00013 + 100 × 0.00065
    assert table.total.amounts.unused == Decimal("0.0858")
    assert quantities.missing_minutes == 0
    assert [run.mode for run in table.modes] == [Mode.PROVISIONED]


def test_on_demand_is_paid_by_unit() -> None:
    (table,) = costs([steady(READS, 1000.5, TWO_HOURS), steady(WRITES, 10, TWO_HOURS)], 2)
    # 120,060 × 0.125 / 10^6 + 1,200 × 0.625 / 10^6
    assert table.total.amounts.on_demand == Decimal("0.0157575")
    assert table.total.amounts.provisioned == 0
    assert table.total.amounts.if_on_demand == table.total.amounts.cost
    assert [run.mode for run in table.modes] == [Mode.ON_DEMAND]


def test_auto_scaled_capacity_follows_the_highest_minute_of_each_hour() -> None:
    # The first hour peaks at 4,201 units a minute, 70.02 a second; at 70 % that takes 101 units.
    points = [(minute, 60.0) for minute in TWO_HOURS]
    points[17] = (17, 4201.0)
    (table,) = costs([series(READS, points)], 2)
    # 101 + 2 units of reads, as 1 a second at 70 % takes 2; 1 unit of writes in each hour.
    expected = 103 * Decimal("0.00013") + 2 * Decimal("0.00065")
    assert table.total.amounts.if_auto_scaled == expected
    # Exactly at the target no further unit is needed.
    (table,) = costs([series(READS, [(5, 4200.0)])], 1)
    assert table.total.amounts.if_auto_scaled == 100 * Decimal("0.00013") + Decimal("0.00065")
    (table,) = costs([series(READS, [(5, 4200.0)])], 1, target_percent=35)
    assert table.total.amounts.if_auto_scaled == 200 * Decimal("0.00013") + Decimal("0.00065")


def test_flat_capacity_is_that_of_the_highest_minute_of_all() -> None:
    points = [(minute, 60.0) for minute in TWO_HOURS]
    points[100] = (100, 661.0)
    (table,) = costs([series(READS, points)], 2)
    (resource,) = table.resources
    assert (resource.flat.read_units, resource.flat.write_units) == (12, 1)
    assert table.flat_cost == 2 * (12 * Decimal("0.00013") + Decimal("0.00065"))


def test_a_sample_stands_until_the_next_one_and_for_five_minutes_at_most() -> None:
    points = [(0, 60.0), (5, 120.0), (7, 60.0), (55, 60.0)]
    (table,) = costs([series(READ_SETTING, points), steady(READS, 1, range(60))], 1)
    # 5 minutes of 60, 2 of 120, 5 of 60, 5 of 60: 1,140 unit-minutes.
    assert table.total.quantities.provisioned_read_unit_hours == 19
    assert table.total.amounts.provisioned == 19 * Decimal("0.00013")
    assert table.total.quantities.covered_minutes == 17
    # The other 43 minutes of reads, and all 60 of writes, are not known; they are not paid.
    assert table.total.quantities.missing_minutes == 103


def test_a_sample_before_the_range_reaches_into_it_and_none_reaches_out() -> None:
    given = [series(READ_SETTING, [(-2, 60.0), (58, 60.0)])]
    (table,) = costs(given, 1)
    assert table.total.quantities.provisioned_read_unit_hours == 3 + 2


def test_indexes_stand_apart_and_count_for_their_table() -> None:
    (table,) = costs(
        [
            steady(WRITES, 100, TWO_HOURS),
            steady(WRITES, 50, TWO_HOURS, index="by-date"),
        ],
        2,
    )
    own, index = table.resources
    assert (own.resource.index, index.resource.index) == ("", "by-date")
    assert own.total.amounts.on_demand == Decimal("0.0075")
    assert index.total.amounts.on_demand == Decimal("0.00375")
    assert table.total.amounts.on_demand == Decimal("0.01125")


def test_writes_are_not_counted_again_by_where_they_came_from() -> None:
    (table,) = costs(
        [
            steady(WRITES, 100, TWO_HOURS),
            steady(WRITES, 60, TWO_HOURS, source="Customer"),
            steady(WRITES, 40, TWO_HOURS, source="GlobalTable"),
        ],
        2,
    )
    assert table.total.quantities.consumed_write_units == 12_000
    assert table.resources[0].flat.write_units == 2
    # All writes of a table of a global table are replicated ones.
    assert table.total.amounts.on_demand == 12_000 * Decimal("0.9375") / 1_000_000


def test_parts_stand_in_for_a_total_that_is_missing() -> None:
    (table,) = costs(
        [
            steady(WRITES, 100, range(60)),
            steady(WRITES, 60, TWO_HOURS, source="Customer"),
            steady(WRITES, 39.5, TWO_HOURS, source="GlobalTable"),
        ],
        2,
    )
    assert table.total.quantities.consumed_write_units == 60 * 100 + 60 * 99.5


def test_writes_of_indexes_of_a_global_table_are_ordinary_ones() -> None:
    (table,) = costs(
        [
            steady(WRITES, 100, range(60), index="by-date"),
            steady(WRITES, 100, range(60), index="by-date", source="GlobalTable"),
        ],
        1,
    )
    assert table.total.amounts.on_demand == 6000 * Decimal("0.625") / 1_000_000


def test_a_table_that_switches_is_told_hour_by_hour() -> None:
    # Provisioned for 2 hours and 20 minutes, then on-demand.
    (table,) = costs(
        [settings(READ_SETTING, 30, range(140)), steady(READS, 60, range(300))],
        5,
    )
    modes = [
        ((run.start_ms - START_MS) // HOUR_MS, (run.end_ms - START_MS) // HOUR_MS, run.mode)
        for run in table.modes
    ]
    assert modes == [(0, 2, Mode.PROVISIONED), (2, 3, Mode.SWITCHED), (3, 5, Mode.ON_DEMAND)]
    assert table.total.amounts.provisioned == 30 * 140 * Decimal("0.00013") / 60
    assert table.total.amounts.on_demand == 160 * 60 * Decimal("0.125") / 1_000_000
    assert table.total.quantities.missing_minutes == 2 * 60 + 20


def test_the_hour_before_is_told_by_a_sample_from_before_it() -> None:
    # A sample that reaches two minutes into the hour before makes that one provisioned, so that the
    # twenty minutes without capacity after it are missing and not on demand.
    given = [
        series(READ_SETTING, [(-63, 60.0)]),
        settings(READ_SETTING, 60, range(20, 60)),
        steady(READS, 60, range(-60, 60)),
    ]
    (table,) = costs(given, 1)
    assert table.total.amounts.on_demand == 0
    assert table.total.quantities.missing_minutes == 20 + 60


def test_hours_of_which_nothing_came_are_unknown_and_cost_nothing() -> None:
    (table,) = costs([steady(READS, 60, range(60, 120))], 3)
    assert [run.mode for run in table.modes] == [Mode.UNKNOWN, Mode.ON_DEMAND, Mode.UNKNOWN]
    assert table.hours[Mode.UNKNOWN] == 2
    assert costs([steady(READS, 60, range(60, 120))], 1) == []


def test_a_capacity_of_zero_is_on_demand() -> None:
    (table,) = costs([settings(READ_SETTING, 0, range(60)), steady(READS, 60, range(60))], 1)
    assert [run.mode for run in table.modes] == [Mode.ON_DEMAND]


def test_points_of_longer_periods_are_counted_whole() -> None:
    (table,) = costs(
        [
            series(READS, [(0, 3600.0)], period_ms=HOUR_MS),
            series(READ_SETTING, [(0, 2.0)], period_ms=HOUR_MS),
        ],
        1,
    )
    assert table.total.quantities.consumed_read_units == 3600
    assert table.total.quantities.provisioned_read_unit_hours == 2
    assert table.total.quantities.unused_read_unit_hours == 1
    assert table.resources[0].flat.read_units == 1


def test_a_region_without_prices_has_none() -> None:
    (table,) = costs([steady(READS, 60, range(60), region="us-gov-west-1")], 1)
    assert len(table.missing_prices) == 4
    assert table.total.amounts.cost is None
    assert table.total.amounts.if_auto_scaled is None
    assert table.total.quantities.consumed_read_units == 3600
    assert table.flat_cost is None
    assert advice_of(table, MINUTE_MS) is None


def test_what_is_not_used_needs_no_price() -> None:
    only_reads = replace(
        PRICES.regions[REGION], standard=CapacityPrices(None, None, None, Decimal(1))
    )
    prices = replace(PRICES, regions={REGION: only_reads})
    (table,) = costs([steady(READS, 60, range(60))], 1, prices=prices)
    assert table.total.amounts.cost == Decimal("0.0036")
    (table,) = costs([steady(WRITES, 60, range(60))], 1, prices=prices)
    assert table.total.amounts.cost is None


def test_tables_of_the_other_class_have_its_prices() -> None:
    infrequent = CapacityPrices(None, None, None, Decimal("0.155"), Decimal("0.78"))
    region = replace(PRICES.regions[REGION], infrequent_access=infrequent)
    prices = replace(
        PRICES,
        regions={REGION: region},
        infrequent_access_tables=(TablePattern("*", REGION, "archive-*"),),
    )
    tables = costs(
        [steady(READS, 100, range(60), table=name) for name in ("archive-1", "orders")],
        1,
        prices=prices,
    )
    assert [table.table_class for table in tables] == ["infrequent_access", "standard"]
    assert [table.total.amounts.cost for table in tables] == [
        Decimal("0.00093"),
        Decimal("0.00075"),
    ]


def test_days_are_those_of_the_offset() -> None:
    offset_ms = parse_utc_offset("utc_offset", "+05:30")
    assert offset_ms == 5.5 * HOUR_MS
    # What a form makes of a plus sign.
    assert parse_utc_offset("utc_offset", " 05:30") == offset_ms
    assert parse_utc_offset("utc_offset", "-03:00") == -3 * HOUR_MS
    assert [offset_text(each) for each in (offset_ms, -3 * HOUR_MS, 0)] == ["+05:30", "-03:00", "Z"]
    span = whole_hours(START_MS, START_MS + 24 * HOUR_MS, offset_ms)
    assert (span.start_ms - START_MS, span.hours) == (-HOUR_MS // 2, 25)
    days = days_of(span, offset_ms)
    assert [(day.date, day.hours.start, day.hours.stop) for day in days] == [
        ("2026-01-01", 0, 19),
        ("2026-01-02", 19, 25),
    ]
    (table,) = costs([steady(READS, 1000, range(24 * 60))], 24, offset_ms=offset_ms)
    # 18:30 hours of the first day, 5:30 of the second.
    assert [day.quantities.consumed_read_units for day in table.days] == [1_110_000, 330_000]


@pytest.mark.parametrize("text", ["", "+2", "5", "+25:00", "+14:30", "utc+1", "+05:3a", "-05:60"])
def test_what_is_no_offset(text: str) -> None:
    with pytest.raises(InvalidParameter, match="is not an offset from UTC"):
        parse_utc_offset("utc_offset", text)


def test_break_even_is_where_both_modes_cost_the_same() -> None:
    found = break_even(STANDARD)
    # 0.00013 / (3,600 × 0.125 / 10^6)
    assert found.reads == pytest.approx(28.888888888888889)
    assert found.writes == pytest.approx(28.888888888888889)
    assert break_even(CapacityPrices()).reads is None


def a_day(read_units: float, provisioned: float | None, minutes: int = 1440) -> list[object]:
    given: list[object] = [steady(READS, read_units, range(minutes))]
    if provisioned is not None:
        given += [
            settings(READ_SETTING, provisioned, range(minutes)),
            settings(WRITE_SETTING, 1, range(minutes)),
        ]
    return given


def test_advice_for_idle_provisioned_capacity() -> None:
    (table,) = costs(a_day(60, 1000), 24)  # type: ignore[arg-type] # series
    advice = advice_of(table, MINUTE_MS)
    assert advice is not None
    # 24 h × (1,000 × 0.00013 + 0.00065) against 86,400 units × 0.125 / 10^6.
    assert advice.action == "switch_to_on_demand"
    assert advice.cost == Decimal("3.1356")
    assert advice.cost_then == Decimal("0.0108")
    assert advice.saving_percent == pytest.approx(99.6556, abs=1e-4)
    # × 730 / 24
    assert advice.saving_a_month == Decimal("95.05")


def test_advice_for_capacity_that_is_too_high_for_steady_traffic() -> None:
    # 200 a second: on-demand 2.16 a day, 286 units 0.91; paid are 1,000 units, 3.12.
    (table,) = costs(a_day(12_000, 1000), 24)  # type: ignore[arg-type] # series
    advice = advice_of(table, MINUTE_MS)
    assert advice is not None
    assert advice.action == "lower_capacity"


def test_advice_for_steady_traffic_on_demand() -> None:
    (table,) = costs(a_day(12_000, None), 24)  # type: ignore[arg-type] # series
    advice = advice_of(table, MINUTE_MS)
    assert advice is not None
    assert advice.action == "switch_to_provisioned"
    assert "throttled" in advice.text


def test_no_advice_rests_on_peaks_that_are_means_of_hours() -> None:
    for given, expected in ((a_day(16_000, 1000), None), (a_day(60, 1000), "switch_to_on_demand")):
        (table,) = costs(given, 24)  # type: ignore[arg-type] # series
        advice = advice_of(table, HOUR_MS)
        assert (advice.action if advice else None) == expected


def test_values_that_no_metric_can_have_are_left_out() -> None:
    points = [(0, 60.0), (1, 1.7e308), (2, 1.7e308), (3, float("inf")), (4, float("nan"))]
    (table,) = costs([series(READS, points), series(READ_SETTING, points)], 1)
    assert table.total.quantities.consumed_read_units == 60


@pytest.mark.parametrize(
    ("read_units", "provisioned", "minutes", "why"),
    [
        (60 * 690, 1000, 1440, "capacity is used as auto scaling would have it"),
        (60, 1000, 1380, "less than a day is known"),
        (60, 20, 1440, "it is little money"),
        (60 * 2, None, 1440, "it is little money"),
    ],
)
def test_silence(read_units: float, provisioned: float | None, minutes: int, why: str) -> None:
    (table,) = costs(a_day(read_units, provisioned, minutes), 24)  # type: ignore[arg-type] # series
    assert advice_of(table, MINUTE_MS) is None, why


def test_no_advice_from_a_day_with_gaps_or_a_switch() -> None:
    given = [
        steady(READS, 60, range(1440)),
        settings(READ_SETTING, 1000, range(1340)),
        settings(WRITE_SETTING, 1, range(1340)),
    ]
    (table,) = costs(given, 24)
    assert [run.mode for run in table.modes][-2:] == [Mode.SWITCHED, Mode.ON_DEMAND]
    assert advice_of(table, MINUTE_MS) is None
    holes = [minute for minute in range(1440) if minute % 60 < 50]
    given = [
        steady(READS, 60, range(1440)),
        series(READ_SETTING, [(minute, 1000.0) for minute in holes]),
        series(WRITE_SETTING, [(minute, 1.0) for minute in holes]),
    ]
    (table,) = costs(given, 24)
    assert table.hours[Mode.PROVISIONED] == 24
    assert advice_of(table, MINUTE_MS) is None
