"""The page of an account and its parts, which are loaded after it."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from app.api.dynamodb.ranking import ranking_figure
from app.dynamodb.figure_kinds import TABLE_FIGURES
from app.dynamodb.report import AccountReport, top_resources
from app.dynamodb.scope import read_scope, scope_of
from app.errors import InvalidParameter
from app.web.accounts.charts import account_charts
from app.web.accounts.content import cost_days, limit_rows, region_rows, totals
from app.web.figures import Figures
from app.web.figures.asking import POINTS
from app.web.overview.alarms import firing
from app.web.remembered import AT_ONCE_SECONDS, PATIENT_SECONDS
from app.web.time_range import PageRange
from app.web.web import Web

_LENGTH = 15
_STANDARD = "consumed_read_capacity"


def add_accounts(router: APIRouter, web: Web, figures: Figures) -> None:
    """Add the page, and its parts: ``?part=figures`` and the others."""

    @router.get("/accounts/{account}")
    def show_account(request: Request, account: str) -> Response:
        shown = web.range_of(request)
        is_ready = True
        match request.query_params.get("part"):
            case None:
                return _page(request, account, shown)
            case "figures":
                values = _figures(account, shown, PATIENT_SECONDS)
                is_ready = values["kept"] is not None
                template = "accounts/figures.html"
            case "costs":
                kept = figures.week_costs(shown, account, PATIENT_SECONDS)
                is_ready = kept is not None
                report = None if kept is None else kept.value
                values = {
                    "report": report,
                    "days": [] if report is None else cost_days(report),
                }
                template = "accounts/costs.html"
            case "limits":
                limits = figures.limits(shown, account, PATIENT_SECONDS)
                is_ready = limits is not None
                values = {"limits": None if limits is None else limit_rows(limits.value)}
                template = "accounts/limits.html"
            case "top":
                values = _top(account, shown, request.query_params.get("by") or _STANDARD)
                template = "accounts/top.html"
            case part:
                raise InvalidParameter(
                    "part", f"{part!r} is none of figures, costs, limits and top"
                )
        return web.fragment(
            request, template, is_ready=is_ready, range=shown, account=account, **values
        )

    def _page(request: Request, account: str, shown: PageRange) -> Response:
        with web.context.store.read() as connection:
            alarms = firing(connection, account=account, most=_LENGTH)
        return web.page(
            request,
            "accounts/page.html",
            range=shown,
            account=account,
            alarms=alarms,
            charts=account_charts(account),
            kinds=TABLE_FIGURES,
            by=_STANDARD,
            **_figures(account, shown, AT_ONCE_SECONDS),
        )

    def _figures(account: str, shown: PageRange, wait_seconds: float) -> dict[str, object]:
        kept = figures.tables(shown, wait_seconds)
        if kept is None:
            return {"kept": None}
        found = kept.value
        reports: Sequence[AccountReport] = [
            each for each in found.accounts if each.account == account
        ]
        return {
            "kept": kept,
            "totals": totals(reports),
            "regions": region_rows(reports, found.rows),
            "others": sorted({each.account for each in found.accounts}),
            "resolution_ms": found.resolution_ms,
            "recent": web.context.clock.now_ms() - kept.at_ms,
        }

    def _top(account: str, shown: PageRange, by: str) -> dict[str, object]:
        kind = ranking_figure("by", by)
        context = web.context
        scope = scope_of(
            context.clock.now_ms(), account=account, start_ms=shown.start_ms, end_ms=shown.end_ms
        )
        most = context.query_max_points
        with context.store.read() as connection:
            reading = read_scope(connection, scope, [kind.metric], most_points=most, aim=POINTS)
        found = top_resources(reading, kind)
        return {
            "kind": kind,
            "ranked": len(found),
            "rows": [
                {
                    "table": resource.table,
                    "region": resource.region,
                    "value": figure.value,
                    "peak": figure.peak,
                    "peak_ms": figure.peak_ms,
                }
                for resource, figure in found[:_LENGTH]
            ],
        }
