"""``hydrant mal eval``: input in YAML and JSON, output as documented, errors that say where."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import application
from app.errors import RuleError
from app.mal.entities import Entity, Scope
from app.rules.sandbox import MetricResult
from app.rules.sandbox_input import parse_families, result_json

RULES = """
metricPrefix: meter
filter: "{ tags -> tags.job == 'vm' }"
expSuffix: instance(['host'], ['n'], Layer.OS_LINUX)
metricsRules:
  - name: rate
    exp: cpu.sum(['host', 'n']).rate('PT1M')
  - name: age
    exp: time() - cpu
  - name: infinite
    exp: cpu / 0
  - name: empty
    exp: none_such
"""
INPUT = """
cpu:
  - {labels: {job: vm, host: a, n: 1}, value: 60, timestamp: 1700000060000}
  - {labels: {job: vm, host: a, n: 1}, value: 0, timestamp: 1700000000000}
  - {labels: {job: other, host: b, n: 2}, value: 1}
"""


def run(tmp_path: Path, *options: str, text: str = INPUT) -> dict[str, dict[str, object]]:
    rules, families = tmp_path / "r.yaml", tmp_path / "i.yaml"
    rules.write_text(RULES)
    families.write_text(text)
    arguments = ["mal", "eval", "--rules", str(rules), "--input", str(families), *options]
    result = CliRunner().invoke(application, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    found: dict[str, dict[str, object]] = json.loads(result.stdout)
    return found


def test_entities_and_final_samples(tmp_path: Path) -> None:
    found = run(tmp_path, "--now", "1700000060")
    entities = [{"service": "a", "instance": "1", "layer": "OS_LINUX"}]
    labels = {"job": "vm", "host": "a", "n": "1"}
    assert found["meter_rate"] == {
        "scope": "SERVICE_INSTANCE",
        "entities": entities,
        "samples": [{"labels": {"host": "a", "n": "1"}, "value": 1.0}],
    }
    assert found["meter_age"]["samples"] == [{"labels": labels, "value": 1_700_000_000.0}]
    assert found["meter_infinite"]["samples"] == [{"labels": labels, "value": "Infinity"}]
    assert found["meter_empty"] == {"scope": "SERVICE_INSTANCE", "entities": [], "samples": []}


def test_no_filter_leaves_the_filter_out(tmp_path: Path) -> None:
    found = run(tmp_path, "--no-filter", "--now", "2023-11-14T22:14:20Z")
    assert [entity["service"] for entity in found["meter_age"]["entities"]] == ["a", "b"]  # type: ignore[attr-defined]


def test_json_is_input_too(tmp_path: Path) -> None:
    text = json.dumps({"cpu": [{"labels": {"job": "vm", "host": "a", "n": "x"}, "value": 2.5}]})
    assert run(tmp_path, "--now", "10", text=text)["meter_age"]["samples"] == [
        {"labels": {"job": "vm", "host": "a", "n": "x"}, "value": 7.5}
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "i.yaml: a mapping of families"),
        ("{a: [", "i.yaml: not valid YAML"),
        ("a: 1", "a is not a list of samples"),
        ("~: []", "not the name of a family"),
        ("a: [{labels: {x: y}}]", "a, sample 1: a sample has labels, a value"),
        ("a: [{value: 1, when: 2}]", "a, sample 1: a sample has"),
        ("a: [{value: 1}, {value: one}]", "a, sample 2: the value 'one' is not a number"),
        ("a: [{value: true}]", "the value 'true' is not a number"),
        ("a: [{value: 1, labels: [b]}]", "labels are a mapping"),
        ("a: [{value: 1, timestamp: 1.5}]", "the timestamp '1.5' is not whole milliseconds"),
        ("[" * 100_000, "line 1 is nested too deep"),
        ("a: &x []\nb: *x", "line 2 is nested too deep, or names an alias"),
    ],
)
def test_faulty_input_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_families(text, "i.yaml", 0)


def test_labels_are_texts_as_written() -> None:
    families = parse_families("m: [{labels: {a: 1, b: true, c: null, d: 'x'}, value: 1}]", "i", 5)
    (sample,) = families["m"]
    assert sample.labels == {"a": "1", "b": "true", "c": "", "d": "x"}
    assert sample.timestamp_ms == 5


def test_two_regions_are_one_entity_here() -> None:
    entities = {
        Entity(Scope.ENDPOINT, "L", "s", "e", region): {"attr0": "x"} for region in ("eu", "us")
    }
    result = result_json(MetricResult(Scope.ENDPOINT, dict(entities)))
    assert result["entities"] == [{"service": "s", "endpoint": "e", "layer": "L", "attr0": "x"}]
