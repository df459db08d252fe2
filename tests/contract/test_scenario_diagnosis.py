"""Scenarios of the simulator are diagnosed as what they are, and calm ones as nothing.

Each takes place twice, in accounts of their own: with the metrics of causes, and without.
"""

from collections.abc import Callable, Sequence

import pytest

from app.dynamodb.scope import read_scope, scope_of
from app.dynamodb.throttling import METRICS, Finding, throttling
from app.simulator.scenarios import SCENARIOS, Answer
from tests.fixtures.house import House, house
from tests.fixtures.scenarios import (
    MINUTE_MS,
    START_MS,
    Play,
    Request,
    deliver,
    disordered,
    in_order,
    minutes_of,
)

PLAYS = [Play(name, inferred) for name in SCENARIOS for inferred in (False, True)]
PLENTY = 10_000_000


def _findings(home: House, answer: Answer) -> list[Finding]:
    scope = scope_of(
        home.clock.now_ms(),
        account=answer.account,
        region=answer.region,
        start_ms=START_MS,
        end_ms=START_MS + minutes_of(PLAYS) * MINUTE_MS,
    )
    with home.store.read() as connection:
        return throttling(read_scope(connection, scope, METRICS, most_points=PLENTY))


def _check_diagnosis(findings: list[Finding], answer: Answer) -> None:
    if not answer.cause:
        assert findings == []
        return
    (finding,) = findings
    resource = finding.resource
    assert (resource.account, resource.region) == (answer.account, answer.region)
    assert (resource.table, resource.index) == (answer.table, answer.index)
    assert finding.direction == answer.direction
    assert (finding.start_ms, finding.end_ms) == (answer.start_ms, answer.end_ms)
    assert finding.events == answer.throttled
    assert (finding.judgement.cause, finding.judgement.inferred) == (answer.cause, answer.inferred)
    assert finding.pattern == answer.pattern
    assert finding.operations[0].operation == answer.operation
    assert finding.holds_back_table is (answer.scenario == "index-bottleneck")
    assert finding.advice


@pytest.mark.parametrize("come", [in_order, disordered])
def test_every_scenario_is_diagnosed_as_what_it_is(
    database_url: str,
    come: Callable[[Sequence[Play]], list[Request]],
    subtests: pytest.Subtests,
) -> None:
    with house(database_url, files=()) as home:
        # A diagnosis reads points, and waits for nothing.
        deliver(home, come(PLAYS), lambda: None)
        for play in PLAYS:
            with subtests.test(f"{play.name}, inferred: {play.inferred}"):
                _check_diagnosis(_findings(home, play.answer), play.answer)
