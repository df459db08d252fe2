"""``/sign-in``: a token for a session; ``/sign-out``: no session."""

import re

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.api.paths import SIGN_IN_PATH, SIGN_OUT_PATH
from app.api.same_origin import require_same_origin
from app.api.session_cookie import SessionCookie
from app.logs import OncePerMinute
from app.telemetry import counter
from app.web.forms import read_form
from app.web.sign_in_attempts import SignInAttempts
from app.web.web import Web

SIGN_INS = counter("sign_ins_total", "Attempts to sign in on the page", "result")

LARGEST_FORM_BYTES = 8 * 1024
# Printable ASCII without a backslash, which browsers read as a slash; they also drop line ends.
_LOCAL_PAGE = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_ELSEWHERE = re.compile(r"/sign-(in|out)(?![^?#/])")

_log = structlog.get_logger(__name__)


def add_sign_in(router: APIRouter, web: Web) -> None:
    """Add the routes."""
    context = web.context
    cookie = SessionCookie(context)
    attempts = SignInAttempts(context.clock)
    due = OncePerMinute(context.clock)

    def form(request: Request, then: str, *, refused: bool) -> Response:
        response = web.page(
            request,
            "sign-in.html",
            next=then,
            refused=refused,
            encrypted=cookie.is_encrypted(request),
            loopback=request.url.hostname in {"localhost", "127.0.0.1", "::1"},
        )
        # Not 401, which obliges to a challenge, by which browsers would ask for a password.
        response.status_code = 403 if refused else 200
        return response

    def needed() -> bool:
        return context.read_tokens.required or context.operator_tokens.required

    @router.get(SIGN_IN_PATH)
    def show_sign_in(request: Request) -> Response:
        then = local_page(request.query_params.get("next"))
        if not needed():
            return RedirectResponse(then, status_code=303)
        return form(request, then, refused=False)

    @router.post(SIGN_IN_PATH)
    async def sign_in(request: Request) -> Response:
        require_same_origin(request, context.external_url)
        client = request.client.host if request.client else ""
        attempts.check(client)
        given = await read_form(request, ("token", "next"), LARGEST_FORM_BYTES)
        # Others of this client may have failed while its form came.
        attempts.check(client)
        then = local_page(given.text("next"))
        token = given.text("token").encode()
        session = context.sessions.begin(token, context.clock.now_ms())
        if session is None:
            attempts.failed(client)
            SIGN_INS.labels("refused").inc()
            if due("refused"):
                _log.warning("a sign-in was refused", client=client)
            return form(request, then, refused=True)
        SIGN_INS.labels("accepted").inc()
        response = RedirectResponse(then, status_code=303)
        cookie.begin(request, response, session)
        return response

    @router.post(SIGN_OUT_PATH)
    def sign_out(request: Request) -> Response:
        require_same_origin(request, context.external_url)
        response = RedirectResponse(SIGN_IN_PATH, status_code=303)
        cookie.end(request, response)
        return response


def local_page(wanted: str | None) -> str:
    """A path and query of this server, as ``next`` names it; ``/`` for anything else."""
    if wanted is None or not _LOCAL_PAGE.fullmatch(wanted) or _ELSEWHERE.match(wanted):
        return "/"
    return wanted
