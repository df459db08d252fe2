"""Graphs of capacity: what is consumed against what is provisioned, of tables and of indexes."""

from app.grafana.model import Panel, Query
from app.grafana.selectors import highest, latest, per_second


def capacity_panels(prefix: str, direction: str, selector: str, name: str) -> tuple[Panel, ...]:
    """Average, busiest minute and utilisation of the metrics with a prefix.

    ``direction`` is read or write, ``name`` the legend of a series.
    """
    consumed = f"{prefix}_consumed_{direction}_capacity"
    provisioned = f"{prefix}_provisioned_{direction}_capacity_units"
    return (
        Panel(
            f"{direction.capitalize()} units per second",
            (
                Query(per_second(f"{consumed}_units", selector), f"consumed {name}"),
                Query(latest(provisioned, selector), f"provisioned {name}"),
            ),
            "short",
            "The average of each step, and what is provisioned; on demand there is no such line.",
        ),
        Panel(
            f"Busiest minute, {direction} units per second",
            (Query(highest(f"{consumed}_rate", selector), name),),
            "short",
            "Of each step the minute that consumed most. Short peaks disappear in averages.",
        ),
        Panel(
            f"{direction.capitalize()} capacity used",
            (Query(latest(f"{prefix}_{direction}_capacity_utilization", selector), name),),
            "percent",
            "Of what is provisioned, in the minutes in which CloudWatch says how much that is.",
            rare=True,
            thresholds=((70.0, "orange"), (90.0, "red")),
        ),
    )
