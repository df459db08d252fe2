"""``GET /tables/{table}``: a page with tabs, whose parts are loaded after it."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request, Response

from app.dynamodb.cost_advice import advice_of
from app.dynamodb.resources import Resource
from app.errors import InvalidParameter
from app.web.accounts.content import cost_days, limit_rows
from app.web.dashboards.drawing import answers_path, drawn_rows
from app.web.explore.browsing import series_of_table
from app.web.overview.alarms import firing, incidents_of_table
from app.web.table.diagnosis import (
    errors_said,
    latency_said,
    quiet_words,
    throttling_content,
    use_said,
)
from app.web.table.figures import figure_rows, mode_of
from app.web.table.places import places_of
from app.web.table.reading import TableReader
from app.web.time_range import PageRange
from app.web.web import Web

DASHBOARD = "hydrant-dynamodb-one-table"
_TABS = (
    ("overview", "Overview"),
    ("operations", "Operations"),
    ("indexes", "Figures and indexes"),
    ("alarms", "Alarms"),
    ("cost", "Cost and limits"),
    ("raw", "Raw series"),
)

Part = Callable[[TableReader, Resource, PageRange], Mapping[str, object]]


def add_table(router: APIRouter, web: Web) -> None:
    """Add the page, and its parts: ``?part=insight`` and the others."""

    @router.get("/tables/{table}")
    def show_table(request: Request, table: str) -> Response:
        given = request.query_params
        with web.context.store.read() as connection:
            places = places_of(connection, table, given.get("account"), given.get("region"))
        shown = web.range_of(request)
        if len(places) > 1:
            return web.page(request, "table/places.html", range=shown, table=table, places=places)
        place = places[0]
        part = given.get("part")
        if part is None:
            return _page(request, place, shown)
        if part not in parts:
            raise InvalidParameter("part", f"{part!r} is none of {', '.join(parts)}")
        reader = TableReader(web.context, place, shown)
        return web.fragment(
            request,
            f"table/{part}.html",
            range=shown,
            place=place,
            **parts[part](reader, place, shown),
        )

    def _page(request: Request, place: Resource, shown: PageRange) -> Response:
        tab = request.query_params.get("tab", "overview")
        if tab not in dict(_TABS):
            raise InvalidParameter("tab", f"{tab!r} is none of {', '.join(dict(_TABS))}")
        with web.context.store.read() as connection:
            alarms = firing(connection, account=place.account, place=place)
        current = web.context.dashboards.current()
        dashboard = current.get(DASHBOARD) if tab == "overview" else None
        chosen = {
            "account": [place.account],
            "region": [place.region],
            "table": [place.table],
        }
        return web.page(
            request,
            "table/page.html",
            range=shown,
            place=place,
            tab=tab,
            tabs=_TABS,
            alarms=alarms,
            fault=current.fault(DASHBOARD),
            answers=None if dashboard is None else answers_path(dashboard, chosen, shown),
            rows=[] if dashboard is None else drawn_rows(dashboard, chosen),
        )

    def _insight(reader: TableReader, _: Resource, shown: PageRange) -> Mapping[str, object]:
        found = reader.insight()
        said = [*use_said(found.use), latency_said(found.operations), errors_said(found.operations)]
        return {
            "findings": throttling_content(found.findings),
            "quiet": quiet_words(shown.end_ms - shown.start_ms),
            "said": [each for each in said if each is not None],
            "resolution_ms": found.resolution_ms,
        }

    def _operations(reader: TableReader, _: Resource, __: PageRange) -> Mapping[str, object]:
        found = reader.operations()
        names = dict.fromkeys(name for each in found for name in each.percentiles)
        return {"operations": found, "percentiles": list(names)}

    def _indexes(reader: TableReader, _: Resource, __: PageRange) -> Mapping[str, object]:
        reports = reader.reports()
        return {
            "mode": mode_of(reports),
            "reports": [(each.resource, figure_rows(each)) for each in reports],
        }

    def _alarms(_: TableReader, place: Resource, shown: PageRange) -> Mapping[str, object]:
        with web.context.store.read() as connection:
            return {"incidents": incidents_of_table(connection, place, shown.times)}

    def _cost(reader: TableReader, _: Resource, __: PageRange) -> Mapping[str, object]:
        report = reader.costs()
        return {
            "report": report,
            "days": cost_days(report),
            "costs": report.tables,
            "advice": [
                advice
                for each in report.tables
                if (advice := advice_of(each, report.resolution_ms)) is not None
            ],
            "limits": limit_rows(reader.limits()),
        }

    def _raw(_: TableReader, place: Resource, __: PageRange) -> Mapping[str, object]:
        with web.context.store.read() as connection:
            return {"series": series_of_table(connection, place)}

    parts: Mapping[str, Part] = {
        "insight": _insight,
        "operations": _operations,
        "indexes": _indexes,
        "alarms": _alarms,
        "cost": _cost,
        "raw": _raw,
    }
