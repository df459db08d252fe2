"""Widgets with the values that were chosen, as the charts of the web pages take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.dashboards.model import Variable, Widget
from app.dashboards.placeholders import substituted

Chosen = Mapping[str, Sequence[str]]
"""Values by the names of variables; a variable without values has all of them."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Where the values of a variable are found: a label of the series of a selector."""

    selector: str
    label: str


def chart_of(widget: Widget, variables: Chosen) -> dict[str, object]:
    """The widget's chart in JSON, as app/web/assets/charts draws it."""
    return {
        "title": widget.title,
        "description": widget.description,
        "unit": widget.unit.value,
        "type": widget.type.value,
        "stacked": widget.stacked,
        "queries": [
            {
                "expression": substituted(query.expression, variables),
                "legend": query.legend,
                "instant": widget.type.is_instant,
            }
            for query in widget.queries
        ],
        "thresholds": [
            {"value": each.value, "severity": each.severity.value, "label": each.label}
            for each in widget.thresholds
        ],
        "minimum": widget.minimum,
        "maximum": widget.maximum,
        "empty": widget.empty,
    }


def choices_of(variable: Variable, variables: Chosen) -> Choices:
    """Where a variable's values are found, with what was chosen of the variables before it."""
    return Choices(substituted(variable.selector, variables), variable.label)
