"""Dashboards to Grafana's dashboard model, schema version 39 (Grafana 10.4 and later).

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

import json

from app.dashboards import ChartType, Dashboard, Query, Severity, Unit, Variable, Widget
from app.dashboards.model import COLUMNS
from app.dashboards.placeholders import ANY

SCHEMA_VERSION = 39
TAG = "hydrant"
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GRID = 24
"""Columns of Grafana's grid."""

_TIME_SERIES = "timeseries"
_TYPES = {ChartType.STAT: "stat", ChartType.TABLE: "table"}
_HEIGHTS = {ChartType.STAT: 4, ChartType.TABLE: 9}
_HEIGHT = 8
_STYLES = {ChartType.LINE: ("line", 10), ChartType.AREA: ("line", 40), ChartType.BARS: ("bars", 60)}
"""How graphs are drawn, and how much they are filled, in percent."""

_UNITS = {
    Unit.COUNT: "short",
    Unit.PER_SECOND: "short",
    Unit.MILLISECONDS: "ms",
    Unit.SECONDS: "s",
    Unit.MINUTES: "m",
    Unit.BYTES: "bytes",
    Unit.PERCENT: "percent",
    Unit.RATIO: "percentunit",
    Unit.UNITS: "short",
    Unit.UNITS_PER_SECOND: "short",
    Unit.DOLLARS: "currencyUSD",
    Unit.NONE: "none",
}
_COLORS = {Severity.WARNING: "orange", Severity.CRITICAL: "red"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TIME_FROM = "now-3h"


def render(dashboard: Dashboard) -> str:
    """The dashboard as the text of its JSON file; the same description gives the same bytes."""
    content = {
        "annotations": {"list": []},
        "description": dashboard.description,
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [_links()],
        "panels": _panels(dashboard),
        "refresh": "1m",
        "schemaVersion": SCHEMA_VERSION,
        "tags": [TAG],
        "templating": {"list": [_data_source(), *map(_variable, dashboard.variables)]},
        "time": {"from": _TIME_FROM, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": dashboard.title,
        "uid": dashboard.uid,
        "version": 1,
        "weekStart": "",
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _links() -> dict[str, object]:
    """The way to the other dashboards, which keeps the variables and the time."""
    return {
        "asDropdown": True,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "Hydrant",
        "type": "dashboards",
    }


def _data_source() -> dict[str, object]:
    return {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "Data source",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "type": "datasource",
    }


def _variable(variable: Variable) -> dict[str, object]:
    query = f"label_values({variable.selector}, {variable.label})"
    everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        "allValue": ANY if variable.multiple else None,
        "current": everything if variable.multiple else {},
        "datasource": DATA_SOURCE,
        "definition": query,
        "hide": 0,
        "includeAll": variable.multiple,
        "label": variable.title,
        "multi": variable.multiple,
        "name": variable.name,
        "options": [],
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor"},
        # The list is asked for again when the time range changes: tables come and go.
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "type": "query",
    }


def _panels(dashboard: Dashboard) -> list[dict[str, object]]:
    """Rows and panels from left to right and from top to bottom, with the ids from 1 on."""
    placed: list[dict[str, object]] = []
    top = 0
    for row in dashboard.rows:
        placed.append(_row(len(placed) + 1, row.title, top))
        top += 1
        left = height = 0
        for widget in row.widgets:
            width = widget.width * GRID // COLUMNS
            if left + width > GRID:
                left, top, height = 0, top + height, 0
            own = _HEIGHTS.get(widget.type, _HEIGHT)
            place = {"h": own, "w": width, "x": left, "y": top}
            placed.append(_panel(len(placed) + 1, widget, place))
            left += width
            height = max(height, own)
        top += height
    return placed


def _row(number: int, title: str, top: int) -> dict[str, object]:
    return {
        "collapsed": False,
        "gridPos": {"h": 1, "w": GRID, "x": 0, "y": top},
        "id": number,
        "panels": [],
        "title": title,
        "type": "row",
    }


def _panel(number: int, widget: Widget, place: dict[str, int]) -> dict[str, object]:
    letters = zip(_LETTERS, widget.queries, strict=False)
    return {
        "datasource": DATA_SOURCE,
        "description": widget.description,
        "fieldConfig": {"defaults": _defaults(widget), "overrides": []},
        "gridPos": place,
        "id": number,
        "interval": "1m",
        "options": _options(widget),
        "targets": [_target(letter, query, widget.type) for letter, query in letters],
        "title": widget.title,
        "transformations": _transformations(widget),
        "type": _TYPES.get(widget.type, _TIME_SERIES),
    }


def _target(letter: str, query: Query, kind: ChartType) -> dict[str, object]:
    return {
        "datasource": DATA_SOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "format": "table" if kind is ChartType.TABLE else "time_series",
        "instant": kind.is_instant,
        "legendFormat": query.legend or "__auto",
        "range": not kind.is_instant,
        "refId": letter,
    }


def _defaults(widget: Widget) -> dict[str, object]:
    steps: list[dict[str, object]] = [{"color": "green", "value": None}]
    steps += [
        {"color": _COLORS[each.severity], "value": _number(each.value)}
        for each in widget.thresholds
    ]
    defaults: dict[str, object] = {
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": _UNITS[widget.unit],
    }
    if widget.minimum is not None:
        defaults["min"] = _number(widget.minimum)
    if widget.maximum is not None:
        defaults["max"] = _number(widget.maximum)
    defaults["noValue"] = widget.empty
    if widget.type in _STYLES:
        style, filling = _STYLES[widget.type]
        defaults["color"] = {"mode": "palette-classic"}
        defaults["custom"] = {
            "drawStyle": style,
            "fillOpacity": filling,
            "lineWidth": 1,
            "showPoints": "auto",
            # CloudWatch sends nothing where nothing happened, which is no reason to draw a line.
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if widget.stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if widget.thresholds else "off"},
        }
    return defaults


def _number(value: float) -> float:
    """The same number, written without a fraction that it does not have."""
    return int(value) if value.is_integer() else value


def _options(widget: Widget) -> dict[str, object]:
    if widget.type is ChartType.STAT:
        return {
            "colorMode": "value",
            "graphMode": "area",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
    if widget.type is ChartType.TABLE:
        return {"cellHeight": "sm", "showHeader": True}
    return {
        "legend": {"calcs": ["max", "lastNotNull"], "displayMode": "table", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _transformations(widget: Widget) -> list[dict[str, object]]:
    if widget.type is not ChartType.TABLE:
        return []
    hidden = {"Time": True, "__name__": True, "layer": True, "service": True}
    return [{"id": "organize", "options": {"excludeByName": hidden, "renameByName": {}}}]
