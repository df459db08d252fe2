"""What the charts of a dashboard ask over a range of time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.dashboards.expansion import Chosen
from app.dashboards.model import Dashboard
from app.dashboards.placeholders import INTERVAL, RANGE, substituted

STEPS = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)
"""Seconds between the points of a chart, of which it takes the fewest that give few enough."""

MOST_POINTS = 360

_SECOND_MS = 1_000
_INTERVAL = re.compile(rf"{re.escape(INTERVAL)}\b")
_RANGE = re.compile(rf"{re.escape(RANGE)}\b")


@dataclass(frozen=True, slots=True)
class Question:
    """An expression at one time, or over a range: ``step`` is None at one time. Unix seconds."""

    expression: str
    start: int
    end: int
    step: int | None

    @property
    def content(self) -> Mapping[str, Any]:
        """As it is asked."""
        if self.step is None:
            return {"query": self.expression, "time": self.end}
        return {
            "query": self.expression,
            "start": self.start,
            "end": self.end,
            "step": self.step,
        }


def step_seconds(start_ms: int, end_ms: int) -> int:
    """Seconds between the points of a chart over a range."""
    wanted = (end_ms - start_ms) / _SECOND_MS / MOST_POINTS
    longest = STEPS[-1]
    return next((step for step in STEPS if step >= wanted), -int(-wanted // longest) * longest)


def questions_of(
    dashboard: Dashboard, variables: Chosen, start_ms: int, end_ms: int
) -> list[Question]:
    """The questions of all charts in their order, each once.

    Ranges are the multiples of the step after the start, up to the end, as a chart that moves on
    keeps its points.
    """
    step = step_seconds(start_ms, end_ms)
    seconds = round((end_ms - start_ms) / _SECOND_MS)
    last = end_ms // _SECOND_MS // step * step
    first = min((start_ms // _SECOND_MS // step + 1) * step, last)
    found: dict[Question, None] = {}
    for row in dashboard.rows:
        for widget in row.widgets:
            for query in widget.queries:
                text = substituted(query.expression, variables)
                text = _RANGE.sub(f"{seconds}s", _INTERVAL.sub(f"{step}s", text))
                question = Question(text, first, last, step)
                if widget.type.is_instant:
                    question = Question(text, 0, end_ms // _SECOND_MS, None)
                found[question] = None
    return list(found)
