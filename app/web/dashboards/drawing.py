"""Dashboards with the values that were chosen, as templates take them."""

from collections.abc import Mapping, Sequence

from app.dashboards import Chosen, Dashboard, Row, Widget, chart_of

DrawnRow = tuple[Row, Sequence[tuple[Widget, Mapping[str, object]]]]
"""A row, and its widgets with the JSON of their charts."""


def drawn_rows(dashboard: Dashboard, chosen: Chosen) -> list[DrawnRow]:
    """The rows of a dashboard, for ``parts/widgets.html``."""
    return [
        (row, [(widget, chart_of(widget, chosen)) for widget in row.widgets])
        for row in dashboard.rows
    ]
