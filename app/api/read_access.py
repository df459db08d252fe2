"""Who may read: one check before all routes, which denies what is not listed here.

A path is open, takes deliveries whose access key its route checks, or needs a read token; so a
route that is added later needs a token until somebody lists it.
"""

import base64
import binascii
import ipaddress
from urllib.parse import quote

import structlog
from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.context import ApiContext
from app.api.errors import error_response
from app.api.headers import bearer_token, raw_header
from app.api.host_header import parsed_url
from app.api.pages import asks_for_page, is_part_of_page
from app.api.paths import (
    ASSETS_PREFIX,
    DELIVERY_PATHS,
    FIREHOSE_PREFIX,
    OPEN_PATHS,
    SIGN_IN_PATH,
    SIGN_OUT_PATH,
)
from app.api.same_origin import require_same_origin
from app.api.session_cookie import SessionCookie
from app.errors import Forbidden, HydrantError, Unauthorized
from app.logs import OncePerMinute
from app.telemetry import counter

REFUSED = counter("reads_refused_total", "Requests refused because no read token was right")

_WITHOUT_TOKEN = OPEN_PATHS | DELIVERY_PATHS | {SIGN_IN_PATH, SIGN_OUT_PATH}
_OPEN_PREFIXES = (f"{FIREHOSE_PREFIX}/", f"{ASSETS_PREFIX}/")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_NEXT = 4_000
_BASIC = b"basic "
# A browser asks for a password because of the second one.
_CHALLENGES = ('Bearer realm="hydrant"', 'Basic realm="hydrant", charset="UTF-8"')

_log = structlog.get_logger(__name__)


class ReadAccess:
    """Middleware that lets requests with a read token through, and all when there is no token.

    An operator's token is good for reading too, and so is the session of a browser that signed in
    with either. Browsers that ask for a page without are led to the page where one signs in.
    """

    def __init__(self, app: ASGIApp, *, context: ApiContext) -> None:
        self._app = app
        self._context = context
        self._tokens = context.read_tokens
        self._operators = context.operator_tokens
        self._cookie = SessionCookie(context)
        self._due = OncePerMinute(context.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "lifespan"
            or _needs_no_token(scope["path"])
            or not self._tokens.required
        ):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        await self._answer(request, refusal)(scope, receive, send)

    def _refusal(self, request: Request) -> HydrantError | None:
        """Why a request is not let through; None if it is."""
        if self._accepted(presented_token(request)):
            return None
        if self._cookie.session(request) is not None:
            try:
                if request.method not in _SAFE_METHODS:
                    require_same_origin(request, self._context.external_url)
            except Forbidden as error:
                return error
            return None
        return Unauthorized(
            "a read token is needed: Authorization: Bearer TOKEN, or Basic with it as the password"
        )

    def _answer(self, request: Request, refusal: HydrantError) -> Response:
        page = request.method == "GET" and asks_for_page(request)
        if page and not is_part_of_page(request) and "authorization" not in request.headers:
            # Nobody has tried a token yet: this is no refusal to be counted.
            return RedirectResponse(sign_in_from(request.scope), status_code=303)
        REFUSED.inc()
        if self._due("refused"):
            client = request.client.host if request.client else ""
            _log.warning("reads are refused", path=request.url.path, client=client)
        response = error_response(request, refusal, self._context.clock)
        if not isinstance(refusal, Unauthorized):
            return response
        if is_part_of_page(request):
            # The page is led there, and comes back to itself.
            response.headers["HX-Redirect"] = _sign_in_for(request.headers.get("hx-current-url"))
        for challenge in _CHALLENGES[: 1 if _asked_by_page(request) else 2]:
            response.headers.append("WWW-Authenticate", challenge)
        return response

    def _accepted(self, token: bytes | None) -> bool:
        if self._tokens.holder(token) is not None:
            return True
        return self._operators.required and self._operators.holder(token) is not None


def _asked_by_page(request: Request) -> bool:
    """Whether a page's script asks, for which the browser must not ask for a password by itself."""
    mode = request.headers.get("sec-fetch-mode")
    return is_part_of_page(request) or mode not in {None, "navigate"}


def sign_in_from(scope: Scope) -> str:
    """Where one signs in and comes back to the page of a request."""
    query = scope["query_string"].decode("latin-1")
    return _leading_back_to(quote(scope["path"]) + (f"?{query}" if query else ""))


def _sign_in_for(page: str | None) -> str:
    asked = parsed_url(page or "/")
    return _leading_back_to((asked.path or "/") + (f"?{asked.query}" if asked.query else ""))


def _leading_back_to(page: str) -> str:
    """Where one signs in and comes back to a page, given as path and query."""
    kept = page if len(page) <= _LONGEST_NEXT else page.partition("?")[0][:_LONGEST_NEXT]
    return SIGN_IN_PATH if kept == "/" else f"{SIGN_IN_PATH}?next={quote(kept, safe='/')}"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an IP address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


def _needs_no_token(path: str) -> bool:
    # A Firehose with a wrong path is told so by a 404. Nothing else is below that prefix.
    return path in _WITHOUT_TOKEN or path.startswith(_OPEN_PREFIXES)


def presented_token(request: Request) -> bytes | None:
    """The token of a request; None without one that can be read."""
    authorization = raw_header(request, b"authorization")
    token = bearer_token(authorization)
    if token is not None or authorization is None:
        return token
    if authorization[: len(_BASIC)].lower() != _BASIC:
        return None
    try:
        user_and_password = base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return user_and_password.partition(b":")[2]
