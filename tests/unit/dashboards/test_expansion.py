"""Widgets as charts, with the values that were chosen."""

from pathlib import Path

import pytest

from app.dashboards import chart_of, choices_of
from app.dashboards.placeholders import substituted
from tests.unit.dashboards.files import sound, with_query


def test_a_chart_has_what_the_pages_draw(tmp_path: Path) -> None:
    keys = """\
description: What comes in.
type: bars
unit: percent
stacked: true
maximum: 100
rare: true
thresholds: [{value: 80, severity: warning}]"""
    text = with_query('expression: load{account=~"$account"}\nlegend: "{{account}}"', keys)
    (widget,) = sound(tmp_path, text).widgets
    assert chart_of(widget, {"account": ["1"]}) == {
        "title": "Requests",
        "description": "What comes in.",
        "unit": "percent",
        "type": "bars",
        "stacked": True,
        "queries": [
            {"expression": 'load{account=~"1"}', "legend": "{{account}}", "instant": False}
        ],
        "thresholds": [{"value": 80.0, "severity": "warning", "label": "80 %"}],
        "minimum": 0.0,
        "maximum": 100.0,
        "empty": "None in this time range",
    }


def test_numbers_and_tables_are_asked_once(tmp_path: Path) -> None:
    for kind in ("stat", "table"):
        (widget,) = sound(tmp_path, with_query("expression: load", f"type: {kind}")).widgets
        chart = chart_of(widget, {})
        assert chart["queries"] == [{"expression": "load", "legend": "", "instant": True}]


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ('a{b=~"$x"}', {"x": ["c"]}, 'a{b=~"c"}'),
        ('a{b=~"$x"}', {"x": ["c.d", "e|f"]}, r'a{b=~"(c\\.d|e\\|f)"}'),
        ('a{b=~"$x"}', {"x": []}, 'a{b=~".+"}'),
        ('a{b=~"$x"}', {}, 'a{b=~".+"}'),
        ('a{b!~"$x"}', {"x": ["c", "d"]}, 'a{b!~"(c|d)"}'),
        ('a{b=~"p-$x-.*"}', {"x": ["c.", "d"]}, r'a{b=~"p-(c\\.|d)-.*"}'),
        ('a{b="$x"}', {"x": ["c.d"]}, 'a{b="c.d"}'),
        ('a{b="$x"}', {"x": ['"\\']}, r'a{b="\"\\"}'),
        ('a{b="$x"}', {"x": ["c.d", "e"]}, r'a{b=~"(c\\.d|e)"}'),
        ('a{b!="p.$x"}', {}, r'a{b!~"p\\..+"}'),
        ('a{b="$x/$y"}', {"x": ["1"], "y": ["2"]}, 'a{b="1/2"}'),
        ('a{b="$xy"}', {"x": ["1"], "xy": ["2"]}, 'a{b="2"}'),
        ('a{b="$x"}', {"x": ["$y"], "y": ["2"]}, 'a{b="$y"}'),
        (
            'sum_over_time(a{b=~"$x"}[$__interval]) / $__interval',
            {"x": ["$__interval"]},
            r'sum_over_time(a{b=~"\\$__interval"}[$__interval]) / $__interval',
        ),
        ("a{b=~'$x'} # \"$x\"\n", {"x": ["c"]}, 'a{b=~"c"} # "$x"\n'),
    ],
)
def test_values_stand_where_their_variables_did(
    expression: str, values: dict[str, list[str]], expected: str
) -> None:
    assert substituted(expression, values) == expected


def test_choices_of_a_variable_follow_those_before_it(tmp_path: Path) -> None:
    variable = sound(tmp_path).variable("queue")
    assert variable
    choices = choices_of(variable, {"account": ["1", "2"]})
    assert choices.selector == 'requests{account=~"(1|2)"}'
    assert choices.label == "queue"
