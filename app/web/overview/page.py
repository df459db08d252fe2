"""``GET /``: the accounts that deliver, or how to begin."""

from fastapi import APIRouter, Request, Response

from app.storage import search_entities
from app.web.web import Web


def add_overview(router: APIRouter, web: Web) -> None:
    """Add the page."""

    @router.get("/")
    def show_overview(request: Request) -> Response:
        with web.context.store.read() as connection:
            entities = search_entities(connection)
        services = sorted({(each.layer, each.service) for each in entities.values()})
        return web.page(request, "overview/page.html", services=services)
