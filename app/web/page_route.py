"""The class of page routes: what goes wrong in one is shown as a page."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.api.parameters import refuse_nul
from app.api.refused_parameters import refused_parameter
from app.errors import HydrantError
from app.web.web import Web

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def page_route(web: Web) -> type[APIRoute]:
    """A route class whose errors are pages of ``web``, or parts of pages for parts."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handler = super().get_route_handler()

            async def shown(request: Request) -> Response:
                try:
                    refuse_nul(request)
                    return await handler(request)
                except HydrantError as error:
                    return web.error_page(request, error)
                except RequestValidationError as error:
                    return web.error_page(request, refused_parameter(error.errors()[0]))

            return shown

    return PageRoute
