"""The shipped alarms: loaded, of metrics that there are, described, and told how to act on."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache

import pytest
import yaml
from typer.main import get_command

from app.alarms.conditions import MissingData
from app.alarms.files import load_alarm_rules
from app.alarms.rules import AlarmRule, ExpressionSource, MetricSource, Severity
from app.catalog import load_statistic_catalog
from app.cli import application as command_line
from app.labels import METRIC_NAME
from app.promql.ast import Matching, VectorSelector
from app.promql.parsing import parse
from app.query.prometheus.families import Source, families
from app.settings import DEFAULT_ALARM_RULES
from tests.unit.test_documentation import REPOSITORY, all_commands, anchors, page, section

RULES = load_alarm_rules(DEFAULT_ALARM_RULES).rules
EVERYWHERE = {"account", "region"}
PARTS = ("Question", "Formula", "What to do", "Tune")
every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


@cache
def dimensions() -> dict[str, dict[str, list[list[str]]]]:
    """Sets of dimensions by namespace and metric: DynamoDB's and what else is watched."""
    text = (REPOSITORY / "tests/fixtures/dynamodb-metrics.yaml").read_text("utf-8")
    known: dict[str, dict[str, list[list[str]]]] = yaml.safe_load(text)
    known["AWS/Firehose"] = {"DeliveryToHttpEndpoint.DataFreshness": [["DeliveryStreamName"]]}
    return known


def labels_of(name: str) -> set[str]:
    """The labels that a raw statistic can have, by its name in PromQL; fails if there is none."""
    for namespace, metrics in dimensions().items():
        for metric, sets in metrics.items():
            source = Source(namespace, metric, "summary")
            if name in {family.name for family in families(source, ["p99"])}:
                return {label for each in sets for label in each} | EVERYWHERE
    raise AssertionError(f"{name} is no statistic of a known metric")


def nodes(tree: object) -> Iterator[object]:
    """All parts of a parsed expression."""
    yield tree
    if isinstance(tree, tuple):
        for each in tree:
            yield from nodes(each)
    elif is_dataclass(tree) and not isinstance(tree, type):
        for field in fields(tree):
            yield from nodes(getattr(tree, field.name))


def test_the_alarms_of_the_table_are_those_of_the_files() -> None:
    text = section(page("alarms.md"), "## Shipped alarms")
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \|", text, re.MULTILINE)
    assert {(name, severity) for name, _, severity in rows} == {
        (rule.name, rule.severity.value) for rule in RULES
    }
    assert all(anchor == name.lower() for name, anchor, _ in rows)
    assert f"ships {len(RULES)} of them" in page("alarms.md")


@every_rule
def test_its_runbook_is_a_section_that_says_what_to_do(rule: AlarmRule) -> None:
    target, _, anchor = rule.runbook.partition("#")
    assert target == "docs/alarms.md"
    assert anchor == rule.name.lower()
    assert anchor in anchors(page("alarms.md"))
    text = section(page("alarms.md"), f"### {rule.name}")
    for part in PARTS:
        assert re.search(rf"^\*\*{part}:\*\* \S", text, re.MULTILINE), part


@every_rule
def test_its_section_has_the_numbers_of_the_file(rule: AlarmRule) -> None:
    text = section(page("alarms.md"), f"### {rule.name}")
    formula = re.search(r"^\*\*Formula:\*\* .*$", text, re.MULTILINE)
    assert formula
    numbers = [rule.condition.threshold]
    if rule.condition.recovery_threshold is not None:
        numbers.append(rule.condition.recovery_threshold)
    if rule.name == "MetricStreamSilent":
        # It is about data that is missing, whatever its value.
        numbers.clear()
    # What is said of reads holds for writes, and what of High for Critical.
    assert re.search(r"\bas with \[reads\]", formula.group()) or all(
        re.search(rf"(?<![\d.,]){_written(number)}(?![\d.,]*\d)", formula.group())
        for number in numbers
    )


def _written(number: float) -> str:
    words = {1: "one", 2: "twice", 3: "three times"}
    shown = re.escape(f"{number:,g}" if number < 1000 else f"{int(number):,}")
    return f"(?:{shown}|{words[int(number)]})" if number in words else shown


@every_rule
def test_what_it_reads_is_what_cloudwatch_reports(rule: AlarmRule) -> None:
    if isinstance(rule.source, MetricSource):
        assert (rule.source.namespace, rule.source.name) in load_statistic_catalog().natural
        wanted = {*rule.for_each, *dict(rule.source.dimensions)}
        sets = dimensions()[rule.source.namespace][rule.source.name]
        assert wanted in [set(each) for each in sets]
    if isinstance(rule.source, ExpressionSource):
        tree = parse(rule.source.expression)
        possible = EVERYWHERE.copy()
        for node in nodes(tree):
            if isinstance(node, VectorSelector):
                (name,) = [each.value for each in node.matchers if each.name == METRIC_NAME]
                named = {each.name for each in node.matchers} - {METRIC_NAME}
                assert named <= labels_of(name)
                possible |= labels_of(name)
        for node in nodes(tree):
            if isinstance(node, Matching):
                assert set(node.labels) <= possible
        known = {*possible, "value", "threshold"}
        assert set(rule.message.names) <= known


@every_rule
def test_writes_by_source_are_not_added_to_the_whole(rule: AlarmRule) -> None:
    if not isinstance(rule.source, ExpressionSource):
        return
    for node in nodes(parse(rule.source.expression)):
        if isinstance(node, VectorSelector) and "ConsumedWrite" in str(node.name):
            assert [each.value for each in node.matchers if each.name == "Source"] == [""]


@every_rule
def test_a_table_that_is_gone_does_not_alarm(rule: AlarmRule) -> None:
    breaching = rule.condition.missing_data is MissingData.BREACHING
    assert breaching is (rule.name == "MetricStreamSilent")


@every_rule
def test_it_says_where_and_how_much(rule: AlarmRule) -> None:
    assert {"account", "region"} <= set(rule.message.names)
    assert ("value" in rule.message.names) is (rule.name != "MetricStreamSilent")
    assert rule.description.endswith(".")
    assert dict(rule.labels)["subject"]


def test_what_wakes_people_is_critical_and_little_else_is() -> None:
    critical = {rule.name for rule in RULES if rule.severity is Severity.CRITICAL}
    assert critical == {
        "DynamoDBReadThrottlingSustained",
        "DynamoDBWriteThrottlingSustained",
        "DynamoDBReadUtilizationCritical",
        "DynamoDBWriteUtilizationCritical",
        "MetricStreamSilent",
    }


def test_commands_that_are_told_exist_with_their_options() -> None:
    commands = dict(all_commands(get_command(command_line)))
    told = re.findall(r"(?:^\$ |`|^)hydrant ([a-z][^`#\n|]*)", page("alarms.md"), re.MULTILINE)
    assert len(told) > 10
    for text in told:
        words = text.split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
        assert name in commands, text
        known = {option for each in commands[name].params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= known, text
