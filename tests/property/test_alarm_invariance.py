"""Promise 2 for alarms: the same data gives the same transitions, and people are told once.

Points of some tables are delivered in random order and requests, late, restated and more than once;
the server is restarted, silence passes, and rounds are made at random moments. What stands in the
end is bit-identical to one delivery of everything in order. Where the delay covers the lateness,
incidents are too, and each has fired once and recovered once.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.alarms import AlarmRules, Delays
from app.simulator import Format, Point, encode_records
from tests.fixtures.alarms import (
    alarm_rules,
    at,
    events,
    heartbeat,
    of_table,
    standing,
    transitions,
)
from tests.fixtures.databases import migrated
from tests.fixtures.house import House, house

MINUTES, SETTLED = 24, 70
TABLES = ("carts", "orders", "users")
READS, WRITES = "ReadThrottleEvents", "ConsumedWriteCapacityUnits"
# Of every kind: M of N, missing data in each way, hysteresis, longer periods, expressions that look
# back, and settings of single tables.
RULES = """
alarms:
  - name: AnyThrottled
    severity: warning
    metric: {namespace: AWS/DynamoDB, name: ReadThrottleEvents, statistic: Sum}
    for_each: [TableName]
    comparison: ">="
    threshold: 4
    recovery_threshold: 2
    period: 1m
    evaluation_periods: 1
    missing_data: notBreaching
  - name: SomeOfMany
    severity: critical
    metric: {namespace: AWS/DynamoDB, name: ReadThrottleEvents, statistic: Average}
    for_each: [TableName]
    comparison: ">"
    threshold: 1
    period: 1m
    evaluation_periods: 5
    datapoints_to_alarm: 2
    overrides:
      - {match: {TableName: orders}, threshold: 3, evaluation_periods: 3}
  - name: Kept
    severity: info
    metric: {namespace: AWS/DynamoDB, name: ReadThrottleEvents, statistic: Maximum}
    for_each: [TableName]
    comparison: ">"
    threshold: 2
    period: 1m
    evaluation_periods: 2
    missing_data: ignore
    stale_after: 7m
  - name: Absent
    severity: info
    metric: {namespace: AWS/DynamoDB, name: ConsumedWriteCapacityUnits, statistic: SampleCount}
    for_each: [TableName]
    comparison: "<"
    threshold: 2
    period: 5m
    evaluation_periods: 2
    missing_data: breaching
  - name: AgainstBefore
    severity: info
    expression: >-
      sum by (account, region, TableName) (sum_over_time(aws_dynamodb_ReadThrottleEvents_sum[3m]))
      - (sum by (account, region, TableName) (aws_dynamodb_ReadThrottleEvents_sum offset 6m))
    comparison: ">"
    threshold: 2
    period: 2m
    evaluation_periods: 2
    datapoints_to_alarm: 1
"""


@cache
def rules() -> AlarmRules:
    return alarm_rules(RULES)


def points_of(random: Random) -> list[Point]:
    """Points of some minutes of each table; restated ones have higher SampleCounts."""
    found = []
    for table in TABLES:
        present = random.choice((0.5, 0.9, 1.0))
        for minute in range(MINUTES):
            for metric in (READS, WRITES):
                if random.random() < present:
                    total = float(random.choice((0, 0, 1, 3, 5, 0.1)))
                    found.append(of_table(metric, minute, total, table=table, count=1))
                    if random.random() < 0.1:
                        again = float(random.choice((0, 2, 9)))
                        found.append(of_table(metric, minute, again, table=table, count=2))
    return sorted(found, key=lambda point: (point.start_ms, point.series.metric, point.count))


@cache
def template() -> Path:
    file = Path(tempfile.mkdtemp()) / "template.db"
    migrated(f"sqlite:///{file}")
    return file


@contextmanager
def new_database() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "hydrant.db"
        shutil.copyfile(template(), file)
        yield f"sqlite:///{file}"


def post(inside: House, points: Sequence[Point], request_id: str) -> None:
    inside.post(encode_records(points, Format.JSON), request_id)


def settle(inside: House) -> None:
    """Let data go on without any point of the rules', until all that was delivered is evaluated."""
    for minute in range(MINUTES, SETTLED, 5):
        post(inside, [heartbeat(minute)], f"h{minute}")
        inside.evaluator.evaluate_dirty()
        inside.alarms.run()


def settled(inside: House) -> list[tuple[object, ...]]:
    """The transitions that stand, up to a time that every run has evaluated."""
    settle(inside)
    found = [each for each in transitions(inside) if each.at_ms <= at(SETTLED - 20)]
    return standing(found)


def expected(points: Sequence[Point]) -> list[tuple[object, ...]]:
    with new_database() as database, house(database, files=[], alarm_rules=rules()) as inside:
        post(inside, points, "all")
        inside.evaluator.evaluate_dirty()
        inside.alarms.run()
        return settled(inside)


def check(database: str, seed: int) -> None:
    """Any order and anything in between."""
    random = Random(seed)
    points = points_of(random)
    # Of one point the restated version counts, whichever comes first, so any order will do.
    shuffled = random.sample(points, len(points))
    with ExitStack() as stack:
        inside = stack.enter_context(house(database, files=[], alarm_rules=rules()))
        while shuffled:
            size = random.choice((1, 5, 20, 60))
            request, shuffled = shuffled[:size], shuffled[size:]
            if random.random() < 0.3:
                shuffled += random.sample(request, len(request) // 3)
            post(inside, request, f"r{len(shuffled)}-{random.random()}")
            if random.random() < 0.7:
                inside.evaluator.evaluate_dirty()
            if random.random() < 0.7:
                inside.alarms.run()
            if random.random() < 0.1:
                inside.clock.advance(random.choice((30, 360, 700)))
            if random.random() < 0.15:
                stack.close()
                inside = stack.enter_context(house(database, files=[], alarm_rules=rules()))
        inside.evaluator.evaluate_dirty()
        inside.alarms.run()
        found = settled(inside)
    assert found == expected(points)


SEEDS = st.integers(0, 2**32)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@given(seed=SEEDS)
@settings(max_examples=2, deadline=None, phases=PHASES)
def test_order_lateness_restarts_and_rounds_change_no_transition(seed: int) -> None:
    with new_database() as database:
        check(database, seed)


def told(inside: House) -> list[tuple[object, ...]]:
    return sorted(
        (each.incident.rule, each.incident.entity, each.at_ms, each.kind, each.reason)
        for each in events(inside)
        if each.at_ms <= at(SETTLED - 20)
    )


@given(seed=SEEDS)
@settings(max_examples=2, deadline=None, phases=PHASES)
def test_people_are_told_once_where_the_delay_covers_the_lateness(seed: int) -> None:
    random = Random(seed)
    delays, latest = Delays(shortest=8), 6
    points = points_of(random)
    # Each point comes up to six minutes after the newest of its time.
    order = sorted(points, key=lambda point: point.start_ms + random.uniform(0, latest) * 60_000)
    with new_database() as database, ExitStack() as stack:
        inside = stack.enter_context(house(database, files=[], alarm_rules=rules(), delays=delays))
        # The history begins with the first minute.
        post(inside, [heartbeat(0)], "first")
        while order:
            size = random.choice((1, 3, 10))
            request, order = order[:size], order[size:]
            post(inside, request, f"r{len(order)}")
            if random.random() < 0.5:
                post(inside, request, f"again{len(order)}")
            inside.evaluator.evaluate_dirty()
            if random.random() < 0.5:
                inside.alarms.run()
            if random.random() < 0.1:
                stack.close()
                inside = stack.enter_context(
                    house(database, files=[], alarm_rules=rules(), delays=delays)
                )
        settle(inside)
        assert not [each for each in transitions(inside, withdrawn=True) if each.late]
        found = told(inside)
    with (
        new_database() as database,
        house(database, files=[], alarm_rules=rules(), delays=delays) as inside,
    ):
        post(inside, points, "all")
        inside.evaluator.evaluate_dirty()
        settle(inside)
        assert found == told(inside)


def test_the_points_bring_every_rule_into_alarm_and_out_of_it() -> None:
    found = {(row[0], row[4]) for seed in range(2) for row in expected(points_of(Random(seed)))}
    wanted = {(rule.name, state) for rule in rules().rules for state in ("OK", "ALARM")}
    assert found >= wanted | {("SomeOfMany", "INSUFFICIENT_DATA")}


def test_postgresql_gives_the_same_transitions(postgresql_url: str) -> None:
    check(postgresql_url, seed=5)
