"""Grafana dashboards as descriptions in Python, and the JSON that Grafana reads.

``python -m app.grafana DIRECTORY`` writes them; deploy/grafana/dashboards holds the result.
"""

from app.grafana.dashboards import dashboards
from app.grafana.model import Dashboard, Panel, PanelKind, Query, Row, Variable
from app.grafana.rendering import render

__all__ = [
    "Dashboard",
    "Panel",
    "PanelKind",
    "Query",
    "Row",
    "Variable",
    "dashboards",
    "render",
]
