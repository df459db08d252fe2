"""Dashboards with the values that were chosen, as templates take them."""

from collections.abc import Mapping, Sequence

from app.api.paths import PROMETHEUS_PREFIX
from app.api.prometheus.dashboard_queries import VARIABLE_PREFIX
from app.dashboards import Chosen, Dashboard, Row, Widget, chart_of
from app.web.pages import query_text
from app.web.time_range import PageRange

DrawnRow = tuple[Row, Sequence[tuple[Widget, Mapping[str, object]]]]
"""A row, and its widgets with the JSON of their charts."""


def drawn_rows(dashboard: Dashboard, chosen: Chosen) -> list[DrawnRow]:
    """The rows of a dashboard, for ``parts/widgets.html``."""
    return [
        (row, [(widget, chart_of(widget, chosen)) for widget in row.widgets])
        for row in dashboard.rows
    ]


def answers_path(dashboard: Dashboard, chosen: Chosen, shown: PageRange) -> str:
    """Where the browser asks for the answers of all charts, before it has what draws them."""
    parameters: dict[str, object] = {
        "uid": dashboard.uid,
        "start": shown.start_ms // 1000,
        "end": shown.end_ms // 1000,
        **{f"{VARIABLE_PREFIX}{name}": list(values) for name, values in chosen.items() if values},
    }
    return f"{PROMETHEUS_PREFIX}/api/v1/dashboard_queries{query_text(parameters)}"
