"""The cookie that a browser brings its session in."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from app.api.context import ApiContext
from app.credentials import Session

SECURE_NAME = "__Host-hydrant-session"
"""Browsers take it from this host alone, over TLS alone; no other host can set one like it."""

PLAIN_NAME = "hydrant-session"


class SessionCookie:
    """Reads and writes the cookie, under the name that suits the request."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def session(self, request: Request) -> Session | None:
        """The session that a request brings, unless it brings a token, which counts instead."""
        if "authorization" in request.headers:
            return None
        text = request.cookies.get(self._name(request))
        return self._context.sessions.find(text, self._context.clock.now_ms())

    def begin(self, request: Request, response: Response, text: str) -> None:
        """Have the browser keep a session."""
        self._set(request, response, text, self._context.sessions.seconds)

    def end(self, request: Request, response: Response) -> None:
        """Have the browser forget its session."""
        self._set(request, response, "", 0)

    def is_encrypted(self, request: Request) -> bool:
        """Whether TLS is on the way from the browser, as far as the server can know.

        A proxy on this machine says so in X-Forwarded-Proto, which uvicorn takes from loopback
        only; of another proxy the external URL tells.
        """
        if request.url.scheme == "https":
            return True
        external = urlsplit(self._context.external_url or "")
        return external.scheme == "https" and external.hostname == request.url.hostname

    def _name(self, request: Request) -> str:
        return SECURE_NAME if self.is_encrypted(request) else PLAIN_NAME

    def _set(self, request: Request, response: Response, text: str, seconds: int) -> None:
        # Lax: a link in a message opens the page, and nothing but links brings the cookie along.
        response.set_cookie(
            self._name(request),
            text,
            max_age=seconds,
            path="/",
            secure=self.is_encrypted(request),
            httponly=True,
            samesite="lax",
        )
