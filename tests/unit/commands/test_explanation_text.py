"""The text of an explanation, where it is not the content word by word."""

import math

from app.commands.explanation_text import explanation_lines

NOTHING = {
    "metric": "m",
    "time": 0,
    "searched": None,
    "rules": [],
    "total": 0,
    "values": [],
    "percentiles": [],
    "stored_only": [],
    "reasons": [],
    "losses": [],
}
ENTITY = {"service": "s", "instance": "", "endpoint": "", "region": "", "labels": {}}


def step(number: int, text: str, *inputs: int, family: int = 1) -> dict[str, object]:
    counts = {"family": family, "counted": 1, "left_out": 0, "samples": []}
    return {"step": number, "text": text, "inputs": inputs, **counts}


def lines(**content: object) -> list[str]:
    return [line.strip() for line in explanation_lines({**NOTHING, **content})]


def of_value(**parts: object) -> list[str]:
    rest: dict[str, object] = {
        "value": 1.0,
        "numerator": None,
        "weight": None,
        "stored": None,
        "verdict_text": "",
    }
    rest |= {"rule": "r:1", "combine": "avg", "steps": [], "series": [], "series_total": 0}
    return lines(values=[{**ENTITY, **rest, **parts}])


def test_arithmetic_names_its_steps_once() -> None:
    steps = [step(1, "a"), step(2, "b"), step(3, "step 1 / step 2", 1, 2, family=2)]
    found = of_value(steps=[*steps, step(4, "* 100", 3)])
    assert "step 4: * 100 of step 3  [1 of the family's 1 sample]" in found
    assert any(line.startswith("step 3: step 1 / step 2  [1 of the family's 2") for line in found)


def test_statistics_that_a_point_does_not_have_are_left_out() -> None:
    point = {"start": 0, "period": 60, "SampleCount": 2.0, "Sum": 3.0}
    point |= {"Minimum": math.nan, "Maximum": math.nan}
    identity = {"account": "", "region": "", "namespace": "", "metric": "h", "dimensions": {}}
    rest = {"unit": "s", "families": [], "left_out": None, "points": [point], "earlier": []}
    found = of_value(series=[{**identity, **rest}], series_total=1)
    assert found[-1] == "1970-01-01T00:00:00Z 60 s: SampleCount 2.0, Sum 3.0"


def test_percentiles_are_bounds_or_beyond_them() -> None:
    found = lines(percentiles=[{**ENTITY, "percentiles": {"50": 100.0, "99": math.inf}}])
    assert found[-1] == "s: p50 = 100.0 ms, p99 beyond the last bound"
