"""What SkyWalking's language says, case by case, as ``hydrant mal eval`` has it.

Each case of ``tests/fixtures/mal`` stands for a sentence or a row of a table of the language: a
rule or several, their families as ``[labels, value, milliseconds?]``, and what was worked out by
hand: the final samples, the entities, the scope.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.errors import RuleError
from app.rules.files import parse_rule_file
from app.rules.sandbox import evaluate_families
from app.rules.sandbox_input import parse_families, result_json

FIXTURES = Path(__file__).parents[2] / "fixtures" / "mal"
NOW_S = 1_700_000_000


def cases() -> Iterator[Any]:
    for path in sorted(FIXTURES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            yield pytest.param(case, id=f"{path.stem}: {case['case']}")


def results(case: Mapping[str, Any], rules: Sequence[str]) -> dict[str, Any]:
    """What the rules ``p_1``, ``p_2``, … of a case give, by name."""
    keys = dict(case.get("file", {}))
    written = [{"name": str(number), "exp": rule} for number, rule in enumerate(rules, start=1)]
    list_key = keys.pop("key", "metricsRules")
    text = yaml.safe_dump({"metricPrefix": "p", **keys, list_key: written})
    given = {
        family: [dict(zip(("labels", "value", "timestamp"), sample, strict=False)) for sample in of]
        for family, of in case["given"].items()
    }
    now_ms = case.get("now", NOW_S) * 1000
    families = parse_families(yaml.safe_dump(given), "input.yaml", now_ms)
    result = evaluate_families(
        parse_rule_file(text, "rules.yaml"),
        families,
        now_ms,
        with_filter=not case.get("no_filter"),
    )
    assert not result.faults
    return {name: result_json(metric) for name, metric in result.metrics.items()}


def ordered(things: Sequence[object]) -> list[str]:
    """Things of any kind in an order that does not depend on where they stood."""
    return sorted(json.dumps(thing, sort_keys=True) for thing in things)


def number(value: float | str) -> float | str:
    return value if isinstance(value, str) else float(value)


@pytest.mark.parametrize("case", list(cases()))
def test_the_language_is_what_the_reference_says(case: Mapping[str, Any]) -> None:
    rules = case.get("rules") or [case["rule"]]
    found = results(case, rules)
    assert set(found) == {f"p_{place}" for place in range(1, len(rules) + 1)}
    for place in range(1, len(rules) + 1):
        suffix = f"_{place}" if place > 1 else ""
        metric = found[f"p_{place}"]
        if case.get("nothing"):
            assert (metric["samples"], metric["entities"]) == ([], [])
            continue
        samples = [[sample["labels"], sample["value"]] for sample in metric["samples"]]
        assert f"samples{suffix}" in case or "entities" in case, "a case says what comes out"
        if f"samples{suffix}" in case:
            expected = [[labels, number(value)] for labels, value in case[f"samples{suffix}"]]
            if case.get("ordered"):
                assert samples == expected
            else:
                assert ordered(samples) == ordered(expected)
        if "entities" in case:
            assert ordered(metric["entities"]) == ordered(case["entities"])
        if "scope" in case:
            assert metric["scope"] == case["scope"]


def only_sample(text: str) -> tuple[dict[str, str], float, int]:
    (sample,) = parse_families(text, "input", NOW_S * 1000)["m"]
    return dict(sample.labels), sample.value, sample.timestamp_ms


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", 1.0),
        ("-2.5", -2.5),
        ("1e3", 1000.0),
        ("1e-05", 1e-05),
        ("1.5E10", 1.5e10),
        (".inf", float("inf")),
        ("-.Inf", float("-inf")),
        ("Infinity", float("inf")),
        ("-Infinity", float("-inf")),
        ('"7"', 7.0),
    ],
)
def test_values_are_numbers_as_yaml_json_and_java_spell_them(value: str, expected: float) -> None:
    assert only_sample(f'{{"m": [{{"labels": {{}}, "value": {value}}}]}}')[1] == expected


@pytest.mark.parametrize("value", ["NaN", ".nan", ".NaN"])
def test_a_value_may_be_no_number(value: str) -> None:
    found = only_sample(f"m: [{{labels: {{}}, value: {value}}}]")[1]
    assert found != found  # noqa: PLR0124 - which only NaN is


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("200", "200"),
        ("true", "true"),
        ("1.10", "1.10"),
        ("on", "on"),
        ("0123", "0123"),
        ("10:30", "10:30"),
        ("1e3", "1e3"),
        ("2026-01-31", "2026-01-31"),
        ("", ""),
        ("null", ""),
        ("'null'", "null"),
        ("Infinity", "Infinity"),
    ],
)
def test_labels_are_the_text_that_is_written(label: str, expected: str) -> None:
    labels, _, _ = only_sample(f"m:\n  - labels:\n      a: {label}\n    value: 1\n")
    assert labels == {"a": expected}


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ("{labels: {}, value: many}", "the value 'many' is not a number"),
        ("{labels: {}, value: }", "the value 'None' is not a number"),
        ("{labels: {}, value: [1]}", "is not a number"),
        ("{labels: {a: [b]}, value: 1}", "names to texts"),
        ("{labels: [a], value: 1}", "names to texts"),
        ("{labels: {}, value: 1, timestamp: 1.5}", "the timestamp '1.5' is not whole"),
        ("{labels: {}, value: 1, timestamp: 99999999999999999999}", "is not whole milliseconds"),
        ("{labels: {}, value: 1, when: 1}", "a sample has labels, a value, and perhaps"),
        ("{labels: {}}", "a sample has labels, a value, and perhaps"),
    ],
)
def test_samples_that_are_none_are_refused_by_name(sample: str, message: str) -> None:
    with pytest.raises(RuleError, match=f"input: m, sample 1: .*{message}"):
        only_sample(f"m: [{sample}]")


def test_rules_of_one_metric_with_another_shape_are_refused() -> None:
    text = "metricPrefix: p\nmetricsRules:\n" + "".join(
        f"  - name: m\n    exp: x.sum(['s', 'z']).{end}\n"
        for end in ("service(['s', 'z'], Layer.L)", "service(['s'], Layer.L)")
    )
    with pytest.raises(RuleError, match=r"f\.yaml:5:1: p_m is already defined at f\.yaml:3 with"):
        evaluate_families(parse_rule_file(text, "f.yaml"), {}, 0)
