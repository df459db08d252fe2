"""What every page works with: the server's context, templates, and the time range of a request."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response

from app.api import ApiContext
from app.api.operators import Operators
from app.api.pages import is_part_of_page
from app.api.read_access import sign_in_from
from app.api.session_cookie import SessionCookie
from app.errors import HydrantError, InvalidParameter, Unavailable
from app.web.asset_files import AssetFiles
from app.web.pages import Pages, query_text
from app.web.time_range import PRESETS, PageRange, page_range

_SECTIONS = (
    ("overview", "/", "Overview"),
    ("tables", "/tables", "Tables"),
    ("dashboards", "/dashboards", "Dashboards"),
    ("explore", "/explore", "Explore"),
    ("alarms", "/alarms", "Alarms"),
    ("streams", "/streams", "Streams"),
    ("rules", "/rules", "Rules"),
)
_AGAIN_SECONDS = 5
_AFTER_FAULT_SECONDS = 60
_SERVER_ERRORS = 500


class Web:
    """Built once; its methods may be used from several threads.

    ``paths`` are those of the pages, which are known when all have been added.
    """

    def __init__(self, context: ApiContext, assets: AssetFiles) -> None:
        self.context = context
        self.assets = assets
        self.paths: frozenset[str] = frozenset()
        self._pages = Pages(assets)
        self._cookie = SessionCookie(context)
        self._operators = Operators(context)

    def range_of(self, request: Request) -> PageRange:
        """The time range that the URL names. Raises ``InvalidParameter``."""
        given = request.query_params
        return page_range(self.context.clock, given.get("from"), given.get("to"))

    def page(self, request: Request, template: str, **values: object) -> Response:
        """A whole page; ``range`` is that of the request unless it is given."""
        shown = values.pop("range", None)
        chosen = shown if isinstance(shown, PageRange) else self.range_of(request)
        return self._answer(request, template, chosen, values)

    def fragment(self, request: Request, template: str, **values: object) -> Response:
        """A part of a page; one that is not ``is_ready`` yet is soon asked for again."""
        is_ready = values.pop("is_ready", True)
        response = self.page(request, template, **values)
        if not is_ready:
            response.headers["Retry-After"] = str(_AGAIN_SECONDS)
        return response

    def error_page(self, request: Request, error: HydrantError) -> Response:
        """What went wrong and what to do, as a page or as a part of one.

        A browser that shows a part takes no other status than 200 into the page.
        """
        part = is_part_of_page(request)
        again_seconds = _again_seconds(error, part=part)
        response = self._answer(
            request,
            "parts/error.html" if part else "error.html",
            page_range(self.context.clock, None, None),
            {
                "title": HTTPStatus(error.status).phrase if error.status < 600 else "Error",  # noqa: PLR2004
                "kind": error.kind,
                "message": error.message,
                "parameter": error.parameter if isinstance(error, InvalidParameter) else None,
                "again_seconds": again_seconds if part else None,
                "retry": _retry(request, error) if request.method == "GET" else None,
            },
            status=200 if part else error.status,
        )
        if again_seconds is not None:
            response.headers["Retry-After"] = str(again_seconds)
        return response

    def _answer(
        self,
        request: Request,
        template: str,
        shown: PageRange,
        values: dict[str, object],
        *,
        status: int = 200,
    ) -> Response:
        return self._pages.answer(
            request,
            template,
            {
                "range": shown,
                "sections": [each for each in _SECTIONS if each[1] in self.paths],
                "presets": _preset_links(request),
                "url": _urls(shown),
                "path": request.url.path,
                "sign_in": sign_in_from(request.scope),
                "reader": self._reader(request),
                "query": [
                    pair
                    for pair in request.query_params.multi_items()
                    if pair[0] not in {"from", "to"}
                ],
                **values,
            },
            status=status,
        )

    def _reader(self, request: Request) -> dict[str, object]:
        """Whether somebody has signed in, could, and may change anything."""
        tokens = self.context.read_tokens.required or self.context.operator_tokens.required
        return {
            "signed_in": self._cookie.session(request) is not None,
            "can_sign_in": tokens,
            "operator": self._operators.may_change(request),
        }


def _retry(request: Request, error: HydrantError) -> str:
    """The same page without what was refused of it."""
    refused = error.parameter if isinstance(error, InvalidParameter) else None
    asked = request.query_params
    kept = {name: asked.getlist(name) for name in asked if name != refused}
    return request.url.path + query_text(kept)


def _again_seconds(error: HydrantError, *, part: bool) -> int | None:
    """When the same may succeed; parts ask again by themselves, though not in a hurry."""
    if isinstance(error, Unavailable):
        return max(error.retry_after_seconds, _AGAIN_SECONDS) if part else error.retry_after_seconds
    return _AFTER_FAULT_SECONDS if part and error.status >= _SERVER_ERRORS else None


def _urls(shown: PageRange) -> Callable[..., str]:
    """Links to pages; they keep the time range."""

    def url(page: str, /, **parameters: object) -> str:
        return quote(page, safe="/:") + query_text({**parameters, **shown.parameters})

    return url


def _preset_links(request: Request) -> list[dict[str, str]]:
    """The page of the request over each usual range."""
    kept = {
        name: request.query_params.getlist(name)
        for name in request.query_params
        if name not in {"from", "to"}
    }
    return [
        {"url": query_text({**kept, "from": start, "to": "now"}), "from": start, "label": label}
        for start, label in PRESETS
    ]
