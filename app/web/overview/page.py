"""``GET /``: first what is wrong, then accounts and the tables that stand out."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Request, Response

from app.dashboards import Dashboard
from app.dynamodb.report import AccountReport
from app.errors import InvalidParameter
from app.pipeline import StreamReport
from app.storage import count_quarantine, search_entities
from app.web.figures import Figures
from app.web.figures.row_content import row_content
from app.web.figures.table_rows import TableFigures
from app.web.overview.alarms import firing
from app.web.overview.streams import stream_health
from app.web.overview.top_lists import LENGTH, dearest, throttled, top_lists
from app.web.remembered import AT_ONCE_SECONDS, PATIENT_SECONDS, Kept
from app.web.time_range import PageRange
from app.web.web import Web

_DYNAMODB = "AWS_DYNAMODB"


def add_overview(router: APIRouter, web: Web, figures: Figures) -> None:
    """Add the page, and its parts: ``?part=figures`` and the others."""

    @router.get("/")
    def show_overview(request: Request) -> Response:
        shown = web.range_of(request)
        match request.query_params.get("part"):
            case None:
                return _page(request, shown)
            case "now":
                return web.fragment(
                    request,
                    "overview/now.html",
                    range=shown,
                    **_now(web, web.context.streams.report()),
                )
            case "figures":
                kept = figures.tables(shown, PATIENT_SECONDS)
                return web.fragment(
                    request,
                    "overview/figures.html",
                    is_ready=kept is not None,
                    range=shown,
                    **_figures(web, shown, kept),
                )
            case "costs":
                costs = figures.day_costs(shown, PATIENT_SECONDS)
                return web.fragment(
                    request,
                    "overview/costs.html",
                    is_ready=costs is not None,
                    range=shown,
                    kept=costs,
                    rows=[] if costs is None else dearest(costs.value),
                    report=None if costs is None else costs.value,
                )
            case part:
                raise InvalidParameter("part", f"{part!r} is not now, figures or costs")

    def _page(request: Request, shown: PageRange) -> Response:
        # First what is read here: working out figures in another thread slows it down.
        report = web.context.streams.report()
        now = _now(web, report)
        kept = figures.tables(shown, AT_ONCE_SECONDS)
        nothing = kept is not None and not kept.value.rows and not kept.value.accounts
        return web.page(
            request,
            "overview/page.html",
            range=shown,
            nothing=nothing,
            is_empty=nothing and not now["services"] and not report.streams,
            **now,
            **_figures(web, shown, kept),
        )


def _now(web: Web, report: StreamReport) -> dict[str, object]:
    """What does not depend on the range: alarms, streams, services."""
    context = web.context
    with context.store.read() as connection:
        alarms = firing(connection)
        quarantine = count_quarantine(connection)
        entities = search_entities(connection)
    services = {(each.layer, each.service) for each in entities.values() if each.layer != _DYNAMODB}
    return {
        "alarms": alarms,
        "rules": len(context.alarm_rules().rules),
        "health": stream_health(report, quarantine, context.clock.now_ms()),
        "services": _by_layer(services, context.dashboards.current().dashboards),
    }


def _by_layer(
    services: set[tuple[str, str]], dashboards: Iterable[Dashboard]
) -> list[tuple[str, list[str], list[Dashboard]]]:
    """Each layer with its services and the dashboards about any of them."""
    found: dict[str, list[str]] = {}
    for layer, service in sorted(services):
        found.setdefault(layer, []).append(service)
    every = tuple(dashboards)
    return [
        (layer, names, [each for each in every if any(map(each.is_about, names))])
        for layer, names in found.items()
    ]


def _figures(web: Web, shown: PageRange, kept: Kept[TableFigures] | None) -> dict[str, object]:
    if kept is None:
        return {"kept": None}
    found = kept.value
    all_throttled = throttled(found)
    return {
        "kept": kept,
        "throttled": [row_content(row) for row in all_throttled[:LENGTH]],
        "throttled_count": len(all_throttled),
        "throttled_now": sum(row.condition.state == "critical" for row in all_throttled),
        "lists": top_lists(found),
        "accounts": [_account(each) for each in found.accounts if each.tables],
        "table_count": len(found.rows),
        "words": _words(shown),
        "resolution_ms": found.resolution_ms,
        "recent": web.context.clock.now_ms() - kept.at_ms,
    }


def _words(shown: PageRange) -> str:
    """The range at the end of a sentence."""
    return "in this time range" if shown.label is None else f"in the last {shown.label}"


def _account(report: AccountReport) -> Mapping[str, object]:
    """An account in a region; events are totals of the range, rates are per second."""
    values = {name: figure.value for name, figure in report.figures.items()}
    throttles = [values[name] for name in _THROTTLES if name in values]
    return {
        "account": report.account,
        "region": report.region,
        "tables": report.tables,
        "requests": values.get("request_rate"),
        "reads": values.get("consumed_read_capacity"),
        "writes": values.get("consumed_write_capacity"),
        "throttles": sum(throttles) if throttles else None,
        "system_errors": values.get("system_errors"),
        "user_errors": values.get("user_errors"),
    }


_THROTTLES = ("read_throttle_events", "write_throttle_events")
