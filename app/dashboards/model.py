"""What a dashboard is made of, however it is drawn: by the web pages or by Grafana."""

import re
from dataclasses import dataclass
from enum import StrEnum

COLUMNS = 12
"""Columns of the grid in which widgets stand."""


class Unit(StrEnum):
    """What the numbers of a widget are."""

    COUNT = "count"
    PER_SECOND = "per_second"
    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    MINUTES = "minutes"
    BYTES = "bytes"
    PERCENT = "percent"
    RATIO = "ratio"
    UNITS = "units"
    UNITS_PER_SECOND = "units_per_second"
    DOLLARS = "dollars"
    NONE = "none"


class ChartType(StrEnum):
    """How a widget is drawn. A stat and a table have one value of each series, not one per step."""

    LINE = "line"
    AREA = "area"
    BARS = "bars"
    STAT = "stat"
    TABLE = "table"

    @property
    def is_instant(self) -> bool:
        """Whether its queries are asked once, at the end of the time range."""
        return self in {ChartType.STAT, ChartType.TABLE}


class Severity(StrEnum):
    """What is beyond a threshold."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression with variables; ``legend`` is a template over labels: ``{{endpoint}}``.

    In the expression ``$__interval`` is the length of a step and ``$__range`` that of the whole
    time range.
    """

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value from which on the numbers of a widget are bad."""

    value: float
    severity: Severity
    label: str


@dataclass(frozen=True, slots=True)
class Widget:
    """A chart, a number or a table, ``width`` columns wide.

    ``rare`` widgets are empty as long as nothing goes wrong; ``empty`` is what one without data
    says. ``minimum`` and ``maximum`` bound its axis, None leaves that to the data.
    """

    title: str
    queries: tuple[Query, ...]
    description: str = ""
    type: ChartType = ChartType.LINE
    unit: Unit = Unit.NONE
    stacked: bool = False
    thresholds: tuple[Threshold, ...] = ()
    minimum: float | None = 0.0
    maximum: float | None = None
    width: int = 4
    rare: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Widgets under a heading, in lines of ``COLUMNS`` columns."""

    title: str
    widgets: tuple[Widget, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard: values of a label of the series of a selector.

    The selector may contain the variables before it. One that is not ``multiple`` has a single
    value, and none that stands for all.
    """

    name: str
    title: str
    selector: str
    label: str
    multiple: bool = True


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page. ``uid`` is part of its URL and never changes; ``place`` is its file.

    ``namespace`` is CloudWatch's namespace that it is about, ``services`` are patterns of names of
    services with ``*`` for any text, beside which the overview offers the dashboard.
    """

    uid: str
    title: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    description: str = ""
    namespace: str = ""
    services: tuple[str, ...] = ()
    place: str = ""

    @property
    def widgets(self) -> tuple[Widget, ...]:
        """The widgets of all rows."""
        return tuple(widget for row in self.rows for widget in row.widgets)

    def is_about(self, service: str) -> bool:
        """Whether one of the patterns is that of a service."""
        patterns = (".*".join(map(re.escape, each.split("*"))) for each in self.services)
        return any(re.fullmatch(pattern, service) for pattern in patterns)

    def variable(self, name: str) -> Variable | None:
        """The variable of a name."""
        return next((each for each in self.variables if each.name == name), None)
