"""What a dashboard is made of, without Grafana's layout of it."""

from dataclasses import dataclass
from enum import StrEnum


class PanelKind(StrEnum):
    """Grafana's panel types that are used here."""

    TIME_SERIES = "timeseries"
    STAT = "stat"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression; ``legend`` is Grafana's template of a series' name.

    ``instant`` asks for one value at the end of the time range. In expressions ``$__interval`` is
    the length of a step and ``$__range`` that of the whole time range.
    """

    expression: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph, a number or a table; ``unit`` is one of Grafana's unit ids.

    ``rare`` panels are empty as long as nothing goes wrong, which their text says.
    """

    title: str
    queries: tuple[Query, ...]
    unit: str
    description: str
    kind: PanelKind = PanelKind.TIME_SERIES
    width: int = 8
    stacked: bool = False
    rare: bool = False
    maximum: float | None = None
    thresholds: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, in lines of 24 columns."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard: the values of a label of a selector's series."""

    name: str
    title: str
    selector: str
    label: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page. ``uid`` is part of its URL and never changes."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    time_from: str = "now-3h"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The panels of all rows."""
        return tuple(panel for row in self.rows for panel in row.panels)
