"""``GET /streams``: every metric stream, refused requests, and the quarantine."""

from fastapi import APIRouter, Request, Response

from app.storage import count_quarantine, read_quarantine
from app.web.streams.content import refused_rows, stream_rows, warning_rows
from app.web.web import Web

MOST_STREAMS = 200
MOST_QUARANTINED = 50


def add_streams(router: APIRouter, web: Web) -> None:
    """Add the page; ``part`` asks for what changes of it."""

    @router.get("/streams")
    def show_streams(request: Request) -> Response:
        context = web.context
        report = context.streams.report()
        with context.store.read() as connection:
            quarantined = count_quarantine(connection)
            rows = read_quarantine(connection, limit=MOST_QUARANTINED)
        is_part = "part" in request.query_params
        return web.page(
            request,
            "streams/list.html" if is_part else "streams/page.html",
            streams=stream_rows(report, context.clock.now_ms(), MOST_STREAMS),
            total=len(report.streams),
            warnings=warning_rows([each for each in report.warnings if not each.key.stream]),
            refused=refused_rows(report.refused),
            quarantined=quarantined,
            quarantine=rows,
        )
