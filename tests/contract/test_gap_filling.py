"""Finding and filling gaps of a store, on both engines; CloudWatch is botocore with stubs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import typer
from botocore.stub import Stubber

from app.clock import MILLISECONDS_PER_MINUTE
from app.cloudwatch import STATISTICS, CloudWatch
from app.commands.gap_backfill import _fill
from app.errors import InvalidParameter, NotFound
from app.pipeline import GapFilling, GapScope
from app.simulator import Format, Point, Series, encode_records
from app.storage import Connection, Tier, expire
from tests.fixtures.house import NOW_MS, House, house

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

NOW = NOW_MS // MILLISECONDS_PER_MINUTE
START = NOW - 200
GAP = range(START + 30, START + 40)
REGION = "eu-west-1"


@pytest.fixture
def new_house(database_url: str) -> Iterator[House]:
    with house(database_url, []) as made:
        yield made


def stream(
    inside: House, metric: str, minutes: set[int], unit: str = "Count", **percentiles: float
) -> None:
    series = Series("1", REGION, "AWS/DynamoDB", metric, (("TableName", "t"),), unit)
    points = [
        Point(series, minute * 60_000, 2, 3.0, 1.0, 2.0, tuple(percentiles.items()))
        for minute in sorted(minutes)
    ]
    inside.post(encode_records(points, Format.JSON), f"{metric}-{unit}")


def scope(first: int = START, last: int = START + 100, **more: Any) -> GapScope:  # noqa: ANN401 - fields of the scope
    return GapScope(first * MILLISECONDS_PER_MINUTE, last * MILLISECONDS_PER_MINUTE, "1", **more)


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client: CloudWatchClient = boto3.client(
        "cloudwatch", region_name=REGION, aws_access_key_id="t", aws_secret_access_key="t"
    )
    with Stubber(client) as made:
        yield made
        made.assert_no_pending_responses()


@pytest.fixture
def filling(new_house: House, stub: Stubber) -> GapFilling:
    clock = new_house.clock
    client: Any = stub.client
    return GapFilling(new_house.store, clock, lambda _: CloudWatch(client, clock))


ALL = {*range(START - 20, START + 120)}


def test_what_is_missing_is_asked_for_and_nothing_else(
    new_house: House, filling: GapFilling
) -> None:
    stream(new_house, "Gap", ALL - {*GAP}, p99=1.5)
    stream(new_house, "Whole", ALL)
    stream(new_house, "Gone", {START - 1000})
    plan = filling.plan(scope())
    assert (plan.known, plan.series, plan.minutes, plan.charged) == (3, 1, 10, 1)
    (call,) = plan.calls
    assert (call.region, call.first, call.last) == (REGION, GAP[0], GAP[-1] + 1)
    (wanted,) = call.wanted
    assert wanted.query.metric == "Gap"
    assert wanted.query.statistics == (*STATISTICS, "p99")
    assert (wanted.query.unit, wanted.query.account) == (None, None)
    assert plan.notes == []


def test_filters_and_further_statistics(new_house: House, filling: GapFilling) -> None:
    for metric in ("A", "B"):
        stream(new_house, metric, ALL - {*GAP})
    plan = filling.plan(
        scope(
            metrics=("B",),
            regions=(REGION,),
            namespaces=("AWS/DynamoDB",),
            dimensions=(("TableName", "t"),),
            statistics=("p50", "p99"),
            linked=True,
        )
    )
    ((wanted,),) = (call.wanted for call in plan.calls)
    assert wanted.query.metric == "B"
    assert wanted.query.statistics == (*STATISTICS, "p50", "p99")
    assert wanted.query.account == "1"
    assert plan.charged == 2
    with pytest.raises(NotFound, match="no series of account 1 fits"):
        filling.plan(scope(regions=("us-east-1",)))


def test_a_unit_is_given_where_it_alone_tells_series_apart(
    new_house: House, filling: GapFilling
) -> None:
    for unit in ("Count", "Bytes"):
        stream(new_house, "Both", ALL - {*GAP}, unit)
    ((first, second),) = (call.wanted for call in filling.plan(scope()).calls)
    assert {first.query.unit, second.query.unit} == {"Count", "Bytes"}


def test_without_gaps_there_is_nothing_to_ask_for(new_house: House, filling: GapFilling) -> None:
    stream(new_house, "Whole", ALL)
    plan = filling.plan(scope())
    assert (plan.calls, plan.charged, plan.known) == ([], 0, 1)


def test_what_is_still_coming_and_what_is_no_longer_kept_are_left_out(
    new_house: House, filling: GapFilling
) -> None:
    stream(new_house, "Gap", ALL)
    hour = START - START % 60 + 60
    new_house.evaluator.evaluate_dirty()
    new_house.contents()
    new_house.clock.advance(-2 * 3600)

    def cut(connection: Connection) -> None:
        expire(connection, dict.fromkeys(Tier, hour))

    new_house.store.write(cut)
    plan = filling.plan(scope(last=NOW, margin_minutes=7))
    assert (plan.first, plan.last) == (hour, NOW - 7)
    assert [note.split(" ")[2] for note in plan.notes] == ["minutes", "minutes"]
    with pytest.raises(InvalidParameter, match=r"nothing is left to fill.*no longer kept"):
        filling.plan(scope(last=hour))


def test_cloudwatch_has_minutes_of_fifteen_days(filling: GapFilling) -> None:
    with pytest.raises(InvalidParameter, match="15 days"):
        filling.plan(scope(NOW - 15 * 1440))


def result(place: int, values: dict[int, float], status: str = "Complete") -> dict[str, Any]:
    return {
        "Id": f"q0_{place}",
        "Timestamps": [datetime.fromtimestamp(minute * 60, UTC) for minute in values],
        "Values": list(values.values()),
        "StatusCode": status,
    }


def answer(stub: Stubber, *values: dict[int, float], status: str = "Complete") -> None:
    results = [result(place, of_one, status) for place, of_one in enumerate(values)]
    stub.add_response("get_metric_data", {"MetricDataResults": results})


def test_a_minute_needs_all_four_statistics(
    new_house: House, filling: GapFilling, stub: Stubber
) -> None:
    stream(new_house, "Gap", ALL - {*GAP}, p99=1.5)
    (call,) = filling.plan(scope()).calls
    both = {GAP[0]: 1.0, GAP[1]: 2.0}
    # The minute before the gap has a point, and is not asked for again by its answer.
    answer(stub, {**both, GAP[0] - 1: 9.0}, both, both, {GAP[1]: 2.0}, {GAP[1]: 1.75})
    done = filling.fill(call)
    assert (done.filled, done.partial, done.unfinished) == (1, 1, ())
    minute = f"WHERE minute = {GAP[1]}"
    assert new_house.rows(f"SELECT sum, maximum FROM v_points {minute}") == [(2.0, 2.0)]
    assert new_house.rows(f"SELECT value FROM v_extra_statistics {minute}") == [(1.75,)]
    assert len(new_house.rows("SELECT minute FROM v_points")) == len(ALL) - len(GAP) + 1


def test_nothing_is_stored_of_an_answer_that_is_not_whole(
    new_house: House, filling: GapFilling, stub: Stubber
) -> None:
    stream(new_house, "Gap", ALL - {*GAP})
    (call,) = filling.plan(scope()).calls
    every = dict.fromkeys(GAP, 1.0)
    answer(stub, every, every, every, every, status="Forbidden")
    done = filling.fill(call)
    assert done.filled == 0
    assert [(identity.metric, status) for identity, status in done.unfinished] == [
        ("Gap", "Forbidden")
    ]
    answer(stub, every, every, every, every)
    assert filling.fill(call).filled == len(GAP)
    assert filling.plan(scope()).calls == []


def test_series_that_no_stream_has_brought(
    new_house: House, filling: GapFilling, stub: Stubber
) -> None:
    stream(new_house, "Known", ALL)
    listed = [
        {
            "Namespace": "AWS/DynamoDB",
            "MetricName": metric,
            "Dimensions": [{"Name": "TableName", "Value": table}],
        }
        for metric, table in (("Known", "t"), ("Known", "new"), ("Unheard", "t"))
    ]
    stub.add_response("list_metrics", {"Metrics": listed}, {"Namespace": "AWS/DynamoDB"})
    plan = filling.plan(scope(discover=True))
    ((wanted,),) = (call.wanted for call in plan.calls)
    assert wanted.identity.dimensions == (("TableName", "new"),)
    assert wanted.identity.unit == "Count"
    assert (wanted.first, wanted.last) == (START, START + 100)
    assert plan.notes == ["left out: AWS/DynamoDB Unheard, whose unit no stream has told yet"]


def test_interrupted_it_keeps_what_is_stored_and_goes_on_from_there(
    new_house: House, stub: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    later = range(START + 105, START + 107)
    stream(new_house, "Gap", ALL - {*GAP} - {*later})
    client: Any = stub.client
    asked: list[str] = []

    def cloudwatch(region: str) -> CloudWatch:
        asked.append(region)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return CloudWatch(client, new_house.clock)

    filling = GapFilling(new_house.store, new_house.clock, cloudwatch)
    plan = filling.plan(scope(last=START + 115))
    assert [(call.first, call.last) for call in plan.calls] == [
        (GAP[0], GAP[-1] + 1),
        (later[0], later[-1] + 1),
    ]
    answer(stub, *[dict.fromkeys(GAP, 1.0)] * 4)
    with pytest.raises(typer.Exit) as ended:
        _fill(filling, plan, 0.01)
    assert ended.value.exit_code == 130
    assert "interrupted: filled 10 points in 1 call" in capsys.readouterr().err
    (call,) = filling.plan(scope(last=START + 115)).calls
    answer(stub, *[dict.fromkeys(later, 1.0)] * 4)
    assert filling.fill(call).filled == len(later)
    assert filling.plan(scope(last=START + 115)).calls == []
