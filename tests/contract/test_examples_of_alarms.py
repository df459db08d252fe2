"""The messages and the reason that docs/alarms.md shows are those of the data that it names."""

import re
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from app.alarms.datapoints import read_datapoints
from app.alarms.files import load_alarm_rules
from app.alarms.judging import judge
from app.alarms.states import AlarmState
from app.clock import MILLISECONDS_PER_MINUTE as MINUTE
from app.query.prometheus import PrometheusData
from app.settings import DEFAULT_ALARM_RULES
from app.simulator import AccountModel, Format, encode_records
from app.simulator.points import Point
from app.simulator.scenarios import SCENARIOS, ScenarioModel
from tests.fixtures.house import house

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "alarms.md").read_text("utf-8")
EXAMPLE = re.compile(r"^In the (?:demo[^:]*|scenario `([\w-]+)`): \*([^*]+)\*\.$", re.MULTILINE)
REASON = re.compile(r"^(\w+) \{.*\}: ALARM at .*\n(Threshold crossed: .*)$", re.MULTILINE)
# 2026-01-31T12:00:00Z
START_MS = 1_769_860_800_000
DEMO_MINUTES = 60
DEMO_TABLES = 20


def fired(scenario: str, alarms: Collection[str]) -> set[tuple[str, str, str]]:
    """Alarm, message and reason of all that fires in a scenario, or in the demo's account."""
    points, minutes = _demo() if not scenario else _scenario(scenario)
    rules = [rule for rule in load_alarm_rules(DEFAULT_ALARM_RULES).rules if rule.name in alarms]
    found = set()
    with (
        TemporaryDirectory() as directory,
        house(f"sqlite:///{directory}/examples.db", []) as inside,
    ):
        inside.post(encode_records(points, Format.OPENTELEMETRY_1_0))
        with PrometheusData(inside.store, dict).open() as opened:
            for rule in rules:
                end_ms = START_MS + minutes * MINUTE
                read = read_datapoints(opened.connection, opened, rule, START_MS, end_ms)
                before = np.full(len(read.entities), AlarmState.INSUFFICIENT_DATA, np.int8)
                _, transitions = judge(
                    rule, read.entities, read.times_ms, read.values, before, first=0
                )
                found |= {
                    (rule.name, rule.render(each.entity, each.value, each.after), each.reason)
                    for each in transitions
                    if each.after is AlarmState.ALARM
                }
    return found


def _demo() -> tuple[list[Point], int]:
    model = AccountModel(tables=DEMO_TABLES)
    starts = range(START_MS, START_MS + DEMO_MINUTES * MINUTE, MINUTE)
    return [point for start_ms in starts for point in model.points(start_ms)], DEMO_MINUTES


def _scenario(name: str) -> tuple[list[Point], int]:
    minutes = SCENARIOS[name].minutes
    model = ScenarioModel(SCENARIOS[name], START_MS)
    starts = [
        START_MS + passed * MINUTE
        for passed in range(minutes)
        # None: it never arrives.
        if model.detours.get(START_MS // MINUTE + passed, 0) is not None
    ]
    return [point for start_ms in starts for point in model.points(start_ms)], minutes


def _examples() -> dict[str, list[tuple[str, str]]]:
    """Alarms and messages by the scenario in which they fire; empty for the demo."""
    parts = re.split(r"^### (\w+)$", PAGE, flags=re.MULTILINE)[1:]
    found: dict[str, list[tuple[str, str]]] = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        for scenario, message in EXAMPLE.findall(text):
            found.setdefault(scenario, []).append((name, message))
    return found


def test_examples_are_found_and_name_their_data() -> None:
    number = sum(map(len, _examples().values()))
    assert number == len(re.findall(r"^In the (?:demo|scenario)\b", PAGE, re.MULTILINE)) > 10
    assert f"--start 2026-01-31T12:00:00Z --minutes {DEMO_MINUTES}`" in PAGE


@pytest.mark.parametrize("scenario", _examples())
def test_what_is_shown_comes_of_the_data_that_is_named(scenario: str) -> None:
    examples = _examples()[scenario]
    reasons = [] if scenario else REASON.findall(PAGE)
    found = fired(scenario, {name for name, _ in (*examples, *reasons)})
    messages = {(name, text.removesuffix(" (118736666877, us-east-1)")) for name, text, _ in found}
    assert set(examples) <= messages
    assert set(reasons) <= {(name, reason) for name, _, reason in found}
    assert reasons or scenario
