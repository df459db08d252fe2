"""``GET /dashboards`` and ``/dashboards/{uid}``."""

from fastapi import APIRouter, Request, Response

from app.dashboards import Dashboard
from app.web.dashboards.drawing import answers_path, drawn_rows
from app.web.dashboards.variables import choices_of_page, parameter_of
from app.web.web import Web


def add_dashboards(router: APIRouter, web: Web) -> None:
    """Add the pages."""

    @router.get("/dashboards")
    def list_dashboards(request: Request) -> Response:
        current = web.context.dashboards.current()
        groups: dict[str, list[Dashboard]] = {}
        for each in current.dashboards:
            groups.setdefault(each.namespace, []).append(each)
        return web.page(
            request,
            "dashboards/list.html",
            groups=sorted(groups.items(), key=lambda group: (not group[0], group[0])),
            faults=current.faults,
        )

    @router.get("/dashboards/{uid}")
    def show_dashboard(request: Request, uid: str) -> Response:
        current = web.context.dashboards.current()
        fault = current.fault(uid)
        if fault is not None:
            return web.page(request, "dashboards/broken.html", fault=fault)
        dashboard = current.named(uid)
        shown = web.range_of(request)
        with web.context.prometheus.open() as opened:
            choices = choices_of_page(dashboard, opened.catalog, request, shown)
        chosen = {each.variable.name: each.chosen for each in choices}
        return web.page(
            request,
            "dashboards/page.html",
            range=shown,
            dashboard=dashboard,
            choices=[(parameter_of(each.variable), each) for each in choices],
            answers=answers_path(dashboard, chosen, shown),
            rows=drawn_rows(dashboard, chosen),
        )
