"""Scenarios: the arithmetic of their minutes, and that their answers are in the data."""

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.simulator import Point
from app.simulator.command import simulate
from app.simulator.scenarios import SCENARIOS, ScenarioModel
from app.simulator.scenarios.capacity import served, shared
from app.simulator.scenarios.tables import TABLES
from app.simulator.stream import CAUSE_METRICS, StreamOptions, shipments

MINUTE_MS = 60_000
# Not on whole five minutes.
START_MS = 1_727_740_800_000 + 2 * MINUTE_MS
RUNNER = CliRunner()
APP = typer.Typer()
APP.command()(simulate)

THROTTLING = ["burst", "sustained", "hot-partition", "index-bottleneck", "late-minute"]


@cache
def model(name: str) -> ScenarioModel:
    return ScenarioModel(SCENARIOS[name], START_MS, seed=3)


@cache
def points(name: str) -> tuple[Point, ...]:
    starts = range(START_MS, START_MS + SCENARIOS[name].minutes * MINUTE_MS, MINUTE_MS)
    return tuple(point for start_ms in starts for point in model(name).points(start_ms))


def sums(found: Iterable[Point], metric: str, **dimensions: str) -> dict[int, float]:
    """Sums by minute over all series of a metric that have these dimensions, and these alone.

    An operation named ``""`` is any.
    """
    by_minute: defaultdict[int, float] = defaultdict(float)
    for point in found:
        own = dict(point.series.dimensions)
        if "Operation" in own and dimensions.get("Operation") == "":
            own["Operation"] = ""
        if point.series.metric == metric and own == dimensions:
            by_minute[point.start_ms] += point.sum
    return dict(by_minute)


def place(name: str) -> dict[str, str]:
    answer = model(name).answer()
    dimensions = {"TableName": answer.table}
    if answer.index:
        dimensions["GlobalSecondaryIndexName"] = answer.index
    return dimensions


def capacity(name: str) -> float:
    answer = model(name).answer()
    table = next(table for table in TABLES if table.name == answer.table)
    return table.capacity(answer.direction, answer.index)


def test_a_reserve_of_five_minutes_is_used_up_and_filled_again() -> None:
    # 10 a second: 600 in a minute and 3,000 in reserve, of which 1,400 go in each of the first
    # minutes; two quiet minutes put 1,200 back.
    demands = [2000, 2000, 2000, 0, 0, 2000, 600]
    assert served(demands, 10) == [2000, 2000, 800, 0, 0, 1800, 600]
    # However long it was quiet, there is no more than the reserve.
    assert served([0] * 20 + [10_000], 10)[-1] == 3600


def test_what_is_served_is_shared_in_proportion_and_in_whole_numbers() -> None:
    assert shared(10, {"a": 10, "b": 20}) == {"a": 3, "b": 7}
    assert shared(30, {"a": 10, "b": 20}) == {"a": 10, "b": 20}
    assert shared(1, {"b": 1, "a": 1}) == {"a": 1, "b": 0}
    assert shared(0, {"a": 0}) == {"a": 0}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_data_is_throttled_where_and_when_the_answer_says_and_nowhere_else(name: str) -> None:
    answer = model(name).answer()
    throttled = [p for p in points(name) if p.series.metric.endswith("ThrottleEvents")]
    assert bool(throttled) == (name in THROTTLING)
    minutes = range(answer.start_ms, answer.end_ms, MINUTE_MS)
    events = f"{answer.direction}ThrottleEvents"
    if throttled:
        assert {dict(p.series.dimensions) == place(name) for p in throttled} == {True}
        by_minute = sums(throttled, events, **place(name))
        assert set(by_minute) == set(minutes)
        assert sum(by_minute.values()) == answer.throttled > 0
        infix = {"provisioned": "ProvisionedThroughput", "key_range": "KeyRangeThroughput"}
        cause = f"{answer.direction}{infix[answer.cause]}ThrottleEvents"
        assert sums(throttled, cause, **place(name)) == by_minute
        assert {p.series.metric for p in throttled} == {events, cause}
        # Each throttled request is one of an operation, most of them of the one named.
        refused = sums(points(name), "ThrottledRequests", TableName=answer.table, Operation="")
        assert refused == by_minute
        named = {"TableName": answer.table, "Operation": answer.operation}
        most = sum(sums(points(name), "ThrottledRequests", **named).values())
        assert most > answer.throttled / 2
    assert answer.start_ms >= START_MS + 20 * MINUTE_MS
    assert answer.end_ms <= START_MS + (SCENARIOS[name].minutes - 30) * MINUTE_MS


@pytest.mark.parametrize("name", ["burst", "sustained", "index-bottleneck", "late-minute"])
def test_provisioned_capacity_throttles_once_the_reserve_is_spent(name: str) -> None:
    answer = model(name).answer()
    consumed = sums(points(name), f"Consumed{answer.direction}CapacityUnits", **place(name))
    throttled = sums(points(name), f"{answer.direction}ThrottleEvents", **place(name))
    limit = 60 * capacity(name)
    during = [m * MINUTE_MS for m in SCENARIOS[name].during(START_MS)]
    # What was consumed above the limit until it throttled was the reserve, all of it.
    before = [m for m in during if m <= answer.start_ms]
    assert sum(consumed[m] - limit for m in before) == 5 * limit
    assert all(consumed[m] > limit for m in before)
    # From then on nothing but the limit is left.
    assert {consumed[m] for m in during if m > answer.start_ms} <= {limit}
    assert all(m in throttled for m in during if m > answer.start_ms)
    calm = [amount for minute, amount in consumed.items() if minute not in during]
    assert max(calm) < 0.5 * limit
    settings = sums(points(name), f"Provisioned{answer.direction}CapacityUnits", **place(name))
    assert set(settings.values()) == {capacity(name)}


def test_a_hot_partition_throttles_far_below_the_capacity_of_its_table() -> None:
    name = "hot-partition"
    answer = model(name).answer()
    consumed = sums(points(name), "ConsumedWriteCapacityUnits", **place(name))
    during = range(answer.start_ms, answer.end_ms, MINUTE_MS)
    assert all(consumed[minute] < 0.5 * 60 * capacity(name) for minute in during)
    # A partition takes 1,000 writes a second; the others go on as on every day.
    usual = [consumed[minute] for minute in consumed if minute not in during]
    spread = min(usual) * 0.95, max(usual) * 1.05
    assert all(spread[0] <= consumed[minute] - 60_000 <= spread[1] for minute in during)
    others = sums(points(name), "ThrottledRequests", TableName="events", Operation="UpdateItem")
    assert others == {}


def test_an_index_at_its_limit_holds_back_the_writes_of_its_table() -> None:
    name = "index-bottleneck"
    answer = model(name).answer()
    metric = "ConsumedWriteCapacityUnits"
    of_index = sums(points(name), metric, **place(name))
    of_table = sums(points(name), metric, TableName=answer.table)
    assert of_table == of_index
    during = range(answer.start_ms + MINUTE_MS, answer.end_ms, MINUTE_MS)
    assert {of_index[minute] for minute in during} == {60 * capacity(name)}
    table = next(table for table in TABLES if table.name == answer.table)
    assert {of_table[minute] / 60 / table.write_capacity for minute in during} == {0.25}
    # The table could have taken what it was asked for.
    assert sums(points(name), "WriteThrottleEvents", TableName=answer.table) == {}
    throttled = sums(points(name), "WriteThrottleEvents", **place(name))
    wanted = [of_table[minute] + throttled[minute] for minute in during]
    assert max(wanted) < 0.6 * 60 * table.write_capacity


@pytest.mark.parametrize("name", SCENARIOS)
def test_requests_of_operations_are_those_that_consumed_capacity(name: str) -> None:
    for table in TABLES:
        for direction in ("Read", "Write"):
            consumed = sums(points(name), f"Consumed{direction}CapacityUnits", TableName=table.name)
            requests: defaultdict[int, float] = defaultdict(float)
            for p in points(name):
                own = dict(p.series.dimensions)
                if (
                    p.series.metric == "SuccessfulRequestLatency"
                    and own["TableName"] == table.name
                    and own["Operation"] in dict(table.operations_of(direction))
                ):
                    requests[p.start_ms] += p.count
            for index in table.indexes if direction == "Read" else ():
                of_index = {"TableName": table.name, "GlobalSecondaryIndexName": index.name}
                by_index = sums(points(name), "ConsumedReadCapacityUnits", **of_index)
                for minute, units in by_index.items():
                    requests[minute] -= units
            assert consumed == (requests or dict.fromkeys(consumed, 0.0))


def test_a_latency_step_is_one_of_one_operation() -> None:
    answer = model("latency-step").answer()
    during = range(answer.start_ms, answer.end_ms, MINUTE_MS)
    latencies = [p for p in points("latency-step") if p.series.metric == "SuccessfulRequestLatency"]
    for point in latencies:
        own = dict(point.series.dimensions)
        here = (own["TableName"], own["Operation"]) == (answer.table, answer.operation)
        slow = here and point.start_ms in during
        p99 = dict(point.percentiles)["p99"]
        if slow:
            assert point.sum / point.count > 80
            assert p99 > 120
            assert point.count > 500
        else:
            assert point.sum / point.count < 15
            assert p99 < 30


def test_a_spike_of_errors_is_of_one_operation_and_its_requests_are_missing() -> None:
    answer = model("error-spike").answer()
    named = {"TableName": answer.table, "Operation": answer.operation}
    errors = sums(points("error-spike"), "SystemErrors", **named)
    assert list(errors) == list(range(answer.start_ms, answer.end_ms, MINUTE_MS))
    all_errors = [p for p in points("error-spike") if p.series.metric == "SystemErrors"]
    assert sum(p.sum for p in all_errors) == sum(errors.values())
    calm = {
        (p.series, p.start_ms): p.count
        for p in points("calm")
        if p.series.metric == "SuccessfulRequestLatency"
    }
    for p in points("error-spike"):
        if p.series.metric == "SuccessfulRequestLatency" and (p.series, p.start_ms) in calm:
            usual = calm[p.series, p.start_ms]
            failed = errors.get(p.start_ms, 0.0) if dict(p.series.dimensions) == named else 0.0
            assert p.count + failed == usual
            assert failed < 0.06 * usual


def test_a_calm_day_has_nothing_to_tell() -> None:
    start_ms = START_MS + 2 * 86_400_000
    ends = range(start_ms, start_ms + 1500 * MINUTE_MS, 7 * MINUTE_MS)
    found = [point for start in ends for point in model("calm").points(start)]
    assert not {p.series.metric for p in found} & {*CAUSE_METRICS, "SystemErrors"}
    assert not [p for p in found if "Throttle" in p.series.metric]
    # Never three times twenty in five minutes, from where on a jump counts.
    assert max(p.sum for p in found if p.series.metric == "UserErrors") * 5 < 60
    for table in TABLES:
        for direction, most in (
            ("Read", table.read_capacity or table.read_maximum),
            ("Write", table.write_capacity or table.write_maximum),
        ):
            metric = f"Consumed{direction}CapacityUnits"
            consumed = sums(found, metric, TableName=table.name).values()
            assert len(consumed) == len(ends)
            if most:
                assert max(consumed) < 0.5 * 60 * most


def test_minutes_do_not_depend_on_the_order_of_asking_and_seeds_differ() -> None:
    starts = [START_MS + minute * MINUTE_MS for minute in range(24, 34)]
    scenario = SCENARIOS["sustained"]
    forwards, backwards = (ScenarioModel(scenario, START_MS, 7) for _ in range(2))
    expected = {start: forwards.points(start) for start in starts}
    assert {start: backwards.points(start) for start in reversed(starts)} == expected
    other = ScenarioModel(scenario, START_MS, 8)
    assert other.accounts != forwards.accounts
    assert [p.sum for p in other.points(starts[0])] != [p.sum for p in expected[starts[0]]]


def test_statistics_are_possible_and_points_are_one_a_series() -> None:
    for name in SCENARIOS:
        keys = [(point.series, point.start_ms) for point in points(name)]
        assert len(keys) == len(set(keys))
        for point in points(name):
            values = [point.minimum, *(value for _, value in point.percentiles), point.maximum]
            assert values == sorted(values)
            mean = point.sum / point.count
            assert point.minimum * (1 - 1e-12) <= mean <= point.maximum * (1 + 1e-12)


def arrivals(name: str, *, cause_metrics: bool = True) -> dict[int, list[Point]]:
    """Points by the time at which their request is due."""
    played = model(name)
    options = StreamOptions(
        START_MS,
        played.scenario.minutes,
        buffer_ms=0,
        detours=played.detours,
        cause_metrics=cause_metrics,
    )
    found: defaultdict[int, list[Point]] = defaultdict(list)
    for shipment in shipments(played, options):
        found[shipment.due_ms] += shipment.batch.points
    return found


@pytest.mark.parametrize("name", ["silence", "silence-lost"])
def test_in_silence_nothing_arrives_and_afterwards_all_or_nothing_of_it(name: str) -> None:
    answer = model(name).answer()
    found = arrivals(name)
    # The minute that ends as the silence begins would arrive a minute later, and does.
    silent = range(answer.start_ms + 2 * MINUTE_MS, answer.end_ms + 2 * MINUTE_MS)
    assert not [due for due in found if due in silent]
    assert answer.end_ms + 2 * MINUTE_MS in found
    of_silence = {
        (p.series, p.start_ms)
        for p in points(name)
        if answer.start_ms <= p.start_ms < answer.end_ms
        and not p.series.metric.startswith("Consumed")
    }
    delivered = {(p.series, p.start_ms) for each in found.values() for p in each}
    assert len(of_silence) > 500
    assert delivered & of_silence == (of_silence if name == "silence" else set())
    if name == "silence":
        assert delivered == {(p.series, p.start_ms) for p in points(name)}


def test_the_decisive_minute_is_ten_minutes_late() -> None:
    answer = model("late-minute").answer()
    assert answer.end_ms - answer.start_ms == MINUTE_MS
    dues = {
        due
        for due, each in arrivals("late-minute").items()
        for p in each
        if p.series.metric == "ReadThrottleEvents"
    }
    assert dues == {answer.end_ms + 11 * MINUTE_MS}


def test_without_cause_metrics_all_else_is_sent() -> None:
    without = {
        (p.series.metric, p.start_ms, p.series.dimensions)
        for each in arrivals("sustained", cause_metrics=False).values()
        for p in each
    }
    complete = {(p.series.metric, p.start_ms, p.series.dimensions) for p in points("sustained")}
    assert {metric for metric, *_ in complete - without} == {
        "WriteProvisionedThroughputThrottleEvents"
    }
    assert without <= complete


def run(directory: Path, *arguments: object, expect: int = 0) -> str:
    options = ["--output", directory / "requests", "--start", str(START_MS), *arguments]
    result = RUNNER.invoke(APP, [str(option) for option in options])
    assert result.exit_code == expect, result.output
    return result.output


def test_the_command_writes_the_answer_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        directory = tmp_path / name
        directory.mkdir()
        answer = directory / "answer.json"
        run(directory, "--scenario", "index-bottleneck", "--scenario-answer", answer, "--seed", 3)
        files = sorted(path for path in directory.rglob("*") if path.is_file())
        written.append({path.relative_to(directory): path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert len(written[0]) > SCENARIOS["index-bottleneck"].minutes
    answer = json.loads((tmp_path / "a" / "answer.json").read_text())
    assert answer | {"account": "", "throttled": 0} == {
        "scenario": "index-bottleneck",
        "account": "",
        "region": "us-east-1",
        "table": "ledger",
        "index": "by-status",
        "direction": "Write",
        "operation": "PutItem",
        # 20 calm minutes, up to whole five minutes, and four until the reserve is spent.
        "start_ms": START_MS + 27 * MINUTE_MS,
        "end_ms": START_MS + 48 * MINUTE_MS,
        "cause": "provisioned",
        "inferred": False,
        "pattern": "sustained",
        "throttled": 0,
        "alarms": [
            "DynamoDBIndexWriteThrottled",
            "DynamoDBWriteThrottlingSustained",
            "DynamoDBWriteUtilizationHigh",
            "DynamoDBWriteUtilizationCritical",
        ],
        "firings": [
            {
                "alarm": alarm,
                "entity": {"TableName": "ledger", "GlobalSecondaryIndexName": "by-status"},
            }
            for alarm in answer["alarms"]
        ],
    }
    assert answer["account"] == model("index-bottleneck").accounts[0]


def test_without_cause_metrics_the_answer_is_inferred(tmp_path: Path) -> None:
    for name, inferred in (("burst", True), ("silence", False)):
        answer = tmp_path / f"{name}.json"
        options = ("--scenario", name, "--scenario-answer", answer, "--no-cause-metrics")
        run(tmp_path, *options, "--start", START_MS)
        assert json.loads(answer.read_text())["inferred"] is inferred


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "storm"], "--scenario: storm is none of calm, burst,"),
        (["--scenario", "burst", "--tables", 5], "has an account of its own"),
        (["--scenario", "burst", "--minutes", 10], "10 are too few for burst, which needs 58"),
        (["--scenario-answer", "x.json"], "only together with --scenario"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    tmp_path: Path, arguments: list[object], said: str
) -> None:
    output = run(tmp_path, *arguments, expect=2)
    assert said in output
    assert output.count("\n") == 1
    assert not (tmp_path / "requests").exists()
