"""Descriptions to Grafana's dashboard model, schema version 39 (Grafana 10.4 and later).

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

import json

from app.grafana.model import Dashboard, Panel, PanelKind, Query, Variable

SCHEMA_VERSION = 39
TAG = "hydrant"
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
_HEIGHTS = {PanelKind.TIME_SERIES: 8, PanelKind.STAT: 4, PanelKind.TABLE: 9}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NOTHING_WRONG = "None in this time range"


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
        "time": {"from": dashboard.time_from, "to": "now"},
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
    return {
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": DATA_SOURCE,
        "definition": query,
        "hide": 0,
        "includeAll": True,
        "label": variable.title,
        "multi": True,
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
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top, height = 0, top + height, 0
            own = _HEIGHTS[panel.kind]
            place = {"h": own, "w": panel.width, "x": left, "y": top}
            placed.append(_panel(len(placed) + 1, panel, place))
            left += panel.width
            height = max(height, own)
        top += height
    return placed


def _row(number: int, title: str, top: int) -> dict[str, object]:
    return {
        "collapsed": False,
        "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
        "id": number,
        "panels": [],
        "title": title,
        "type": "row",
    }


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, object]:
    return {
        "datasource": DATA_SOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "gridPos": place,
        "id": number,
        "interval": "1m",
        "options": _options(panel),
        "targets": [_target(*item, panel.kind) for item in zip(_LETTERS, panel.queries)],  # noqa: B905 - letters are enough
        "title": panel.title,
        "transformations": _transformations(panel),
        "type": panel.kind.value,
    }


def _target(letter: str, query: Query, kind: PanelKind) -> dict[str, object]:
    return {
        "datasource": DATA_SOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "format": "table" if kind is PanelKind.TABLE else "time_series",
        "instant": query.instant,
        "legendFormat": query.legend or "__auto",
        "range": not query.instant,
        "refId": letter,
    }


def _defaults(panel: Panel) -> dict[str, object]:
    steps: list[dict[str, object]] = [{"color": "green", "value": None}]
    steps += [{"color": color, "value": value} for value, color in panel.thresholds]
    defaults: dict[str, object] = {
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": panel.unit,
    }
    if panel.maximum is not None:
        defaults["max"] = panel.maximum
    if panel.rare:
        defaults["noValue"] = _NOTHING_WRONG
    if panel.kind is PanelKind.TIME_SERIES:
        defaults["color"] = {"mode": "palette-classic"}
        defaults["custom"] = {
            "drawStyle": "bars" if panel.stacked else "line",
            "fillOpacity": 60 if panel.stacked else 10,
            "lineWidth": 1,
            "showPoints": "auto",
            # CloudWatch sends nothing where nothing happened, which is no reason to draw a line.
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
        }
    return defaults


def _options(panel: Panel) -> dict[str, object]:
    if panel.kind is PanelKind.STAT:
        return {
            "colorMode": "value",
            "graphMode": "area",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
    if panel.kind is PanelKind.TABLE:
        return {"cellHeight": "sm", "showHeader": True}
    return {
        "legend": {"calcs": ["max", "lastNotNull"], "displayMode": "table", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _transformations(panel: Panel) -> list[dict[str, object]]:
    if panel.kind is not PanelKind.TABLE:
        return []
    hidden = {"Time": True, "__name__": True, "layer": True, "service": True}
    return [{"id": "organize", "options": {"excludeByName": hidden, "renameByName": {}}}]
