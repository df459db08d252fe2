"""Headers that tell browsers to do nothing clever with our answers."""

import base64
from hashlib import sha256

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.paths import DELIVERY_PATHS

_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_OF_READS = {
    **_NO_SNIFFING,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def add_security_headers(headers: MutableHeaders, path: str) -> None:
    """Add what the route has not set itself. Answers to deliveries are read by no browser."""
    wanted = _NO_SNIFFING if path in DELIVERY_PATHS else _OF_READS
    for name, value in wanted.items():
        headers.setdefault(name, value)


def page_policy(style: str) -> str:
    """The Content-Security-Policy of a page with one style sheet in it, and nothing else."""
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """Middleware that adds them to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_security_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self._app(scope, receive, sending)
