"""The shipped dashboards as the JSON that Grafana reads.

``python -m app.grafana DIRECTORY`` writes them; deploy/grafana/dashboards holds the result.
"""

from app.grafana.rendering import render

__all__ = ["render"]
