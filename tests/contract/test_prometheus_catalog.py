"""Lists of names, labels and series for the Prometheus API, on both engines."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from app.labels import LabelSet
from app.otlp import Encoding
from app.query.prometheus import Opened, PrometheusData
from app.storage.rollup_marks import mark_rollups
from app.storage.stored_points import StoredPoints
from app.storage.tables import metric_value, point, point_batch
from tests.fixtures.exports import every_kind, export
from tests.fixtures.house import House, house
from tests.fixtures.rewriting import rewrite_points
from tests.fixtures.rollups import START_MS, capacity, deliver, rules
from tests.fixtures.selecting import matchers

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
CAPACITY = "aws_dynamodb_ConsumedReadCapacityUnits"
EVER = (0, START_MS + 24 * HOUR_MS)


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    """Orders in the first and second hour, users in the second, carts in one still open."""
    with house(database_url, rules()) as made:
        deliver(
            made,
            replace(capacity(0, 1.0), percentiles=(("p99", 5.0),)),
            capacity(61, 2.0),
            capacity(62, 2.0, table="users"),
            request_id="1",
        )
        made.rollups.run_once()
        deliver(made, capacity(170, 3.0, table="carts"), request_id="2")
        yield made


def opened(inside: House) -> Iterator[Opened]:
    data = PrometheusData(inside.store, lambda: inside.rules.current().definitions)
    with data.open() as found:
        yield found


def tables(labels: Sequence[LabelSet], label: str = "TableName") -> list[str]:
    return [dict(each)[label] for each in labels]


def test_series_with_data_in_the_range_are_listed(inside: House) -> None:
    for now in opened(inside):
        for name, label in ((f"{CAPACITY}_sum", "TableName"), ("t_sum", "endpoint")):
            wanted = [matchers(name)]
            for first, last, expected in (
                (0, 60, ["orders"]),
                (60, 120, ["orders", "users"]),
                (120, 180, ["carts"]),
                # Hours that were rolled up are looked at whole, open ones minute by minute.
                (30, 50, ["orders"]),
                (120, 160, []),
                (-600, -540, []),
                (0, 180, ["carts", "orders", "users"]),
            ):
                bounds = START_MS + first * MINUTE_MS, START_MS + last * MINUTE_MS
                found = now.catalog.series(wanted, *bounds)
                assert (first, tables(found, label)) == (first, expected)
                assert now.catalog.label_values(label, wanted, *bounds) == expected
        one = matchers(f'{CAPACITY}_sum{{TableName="users"}}')
        other = matchers('{endpoint="orders",__name__="t_sum"}')
        assert [dict(each)["__name__"] for each in now.catalog.series([one, other], *EVER)] == [
            f"{CAPACITY}_sum",
            "t_sum",
        ]
        spelt = '{"AWS/DynamoDB/ConsumedReadCapacityUnits/p99"}'
        assert len(now.catalog.series([matchers(spelt)], *EVER)) == 3


def test_names_and_values_of_labels(inside: House) -> None:
    suffixes = ("average", "maximum", "minimum", "p99", "samplecount", "sum")
    raw = [f"{CAPACITY}_{suffix}" for suffix in suffixes]
    for now in opened(inside):
        names = now.catalog.label_values("__name__", [], *EVER)
        assert names == [*raw, "t_latest", "t_plain", "t_sum"]
        assert now.catalog.label_values("__name__", [], 0, START_MS - HOUR_MS) == []
        some = [matchers('{TableName="carts"}')]
        assert now.catalog.label_values("__name__", some, *EVER) == raw
        some = [matchers('{endpoint="carts"}')]
        assert now.catalog.label_values("__name__", some, *EVER) == names[-3:]
        assert now.catalog.label_names([], *EVER) == [
            "TableName",
            "__name__",
            "account",
            "endpoint",
            "layer",
            "region",
            "service",
        ]
        of_rule = [matchers("t_sum")]
        assert now.catalog.label_names(of_rule, *EVER) == [
            "__name__",
            "endpoint",
            "layer",
            "region",
            "service",
        ]
        assert now.catalog.label_values("layer", [], *EVER) == ["AWS_DYNAMODB"]
        assert now.catalog.label_values("nothing", [], *EVER) == []


def test_metadata_tell_type_unit_and_meaning(inside: House) -> None:
    body = export(*every_kind(), service__name="shop").SerializeToString()
    inside.ingest.store(inside.ingest.open_export(body, Encoding.PROTOBUF))
    for now in opened(inside):
        everything = now.catalog.metadata()
        (of_sum,) = everything[f"{CAPACITY}_sum"]
        assert (of_sum.type, of_sum.unit) == ("gauge", "Count")
        assert "Sum of CloudWatch's ConsumedReadCapacityUnits in AWS/DynamoDB" in of_sum.help
        (of_count,) = everything[f"{CAPACITY}_samplecount"]
        assert (of_count.type, of_count.unit) == ("gauge", "")
        (of_rule,) = everything["t_sum"]
        assert (of_rule.type, of_rule.help) == ("gauge", "A metric of the rule at t.yaml:6.")
        kinds = {name: found[0].type for name, found in everything.items()}
        for name, kind in (
            ("a_gauge", "gauge"),
            ("delta_sum", "gauge"),
            ("cumulative_sum", "counter"),
            ("delta_histogram_bucket", "gauge"),
            ("delta_histogram_count", "gauge"),
            ("cumulative_histogram_bucket", "counter"),
            ("cumulative_histogram_sum", "counter"),
            ("a_summary", "gauge"),
            ("a_summary_count", "counter"),
        ):
            assert (name, kinds.get(name)) == (name, kind)
        assert list(now.catalog.metadata("t_sum")) == ["t_sum"]
        assert now.catalog.metadata("no_such_name") == {}
        bounds = now.catalog.label_values("le", [matchers("delta_histogram_bucket")], *EVER)
        assert bounds == ["+Inf", "0.5", "2.5"]


def test_what_is_used_once_in_a_day_is_listed(database_url: str) -> None:
    """Each of some tables in another hour, and a table in the many minutes of the newest hours."""
    day = START_MS - 8 * HOUR_MS
    with house(database_url, rules()) as made:
        once = [
            capacity(60 * hour + 7 * hour, 1.0, table=f"once{hour}", start_ms=day)
            for hour in range(8)
        ]
        deliver(made, *once, capacity(0, 1.0), request_id="1")
        made.rollups.run_once()
        made.store.write(spread_over_hours)
        expected = [*(f"once{hour}" for hour in range(8)), "orders"]
        bounds = day, START_MS + 3 * HOUR_MS
        for now in opened(made):
            for name, label in ((f"{CAPACITY}_sum", "TableName"), ("t_sum", "endpoint")):
                wanted = [matchers(name)]
                assert now.catalog.label_values(label, wanted, *bounds) == expected
                assert tables(now.catalog.series(wanted, *bounds), label) == expected


def test_a_period_that_began_before_the_range_is_listed(inside: House) -> None:
    """Five minutes of carts from minute 170 on, of an hour that has not settled."""
    minute = START_MS // MINUTE_MS + 170

    def longer(points: StoredPoints) -> StoredPoints:
        period_ms = np.where(points.minute == minute, 300_000, points.period_ms)
        return replace(points, period_ms=period_ms)

    inside.store.write(lambda c: rewrite_points(c, minute - minute % 60, longer))
    wanted = [matchers(f"{CAPACITY}_sum")]
    for now in opened(inside):
        for first, expected in ((172, ["carts"]), (175, [])):
            bounds = START_MS + first * MINUTE_MS, START_MS + (first + 5) * MINUTE_MS
            assert tables(now.catalog.series(wanted, *bounds)) == expected


def spread_over_hours(connection: sa.Connection) -> None:
    """Have what the minute at the start has in the next 119 minutes, too, which are not settled."""
    first = START_MS // MINUTE_MS
    for table in (point_batch, point, metric_value):
        others = [column for column in table.c if column.name != "minute"]
        for minute in range(first + 1, first + 120):
            row = sa.select(sa.literal(minute), *others).where(table.c.minute == first)
            names = ["minute", *(column.name for column in others)]
            connection.execute(sa.insert(table).from_select(names, row))
    for hour in (first, first + 60):
        mark_rollups(connection, hour)
