"""All dashboards, in the order of the guide."""

from app.grafana.account import account_overview
from app.grafana.indexes import indexes
from app.grafana.model import Dashboard
from app.grafana.operations import operations
from app.grafana.stream_health import stream_health
from app.grafana.tables import tables
from app.grafana.throttling import throttling


def dashboards() -> tuple[Dashboard, ...]:
    """The dashboards that deploy/grafana/dashboards holds."""
    return (account_overview(), tables(), indexes(), operations(), throttling(), stream_health())
