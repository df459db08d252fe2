"""Who may read: one check before all routes, which denies what is not listed here.

A path is open, takes deliveries whose access key its route checks, or needs a read token; so a
route that is added later needs a token until somebody lists it.
"""

import base64
import binascii
import ipaddress

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import error_response
from app.api.headers import bearer_token, raw_header
from app.api.paths import DELIVERY_PATHS, FIREHOSE_PREFIX, OPEN_PATHS
from app.clock import Clock
from app.credentials import AccessKeys
from app.errors import Unauthorized
from app.logs import OncePerMinute
from app.telemetry import counter

REFUSED = counter("reads_refused_total", "Requests refused because no read token was right")

_WITHOUT_TOKEN = OPEN_PATHS | DELIVERY_PATHS
_BASIC = b"basic "
# A browser asks for a password because of the second one.
_CHALLENGES = ('Bearer realm="hydrant"', 'Basic realm="hydrant", charset="UTF-8"')

_log = structlog.get_logger(__name__)


class ReadAccess:
    """Middleware that lets requests with a read token through, and all when there is no token.

    An operator's token is good for reading too.
    """

    def __init__(
        self, app: ASGIApp, *, tokens: AccessKeys, operators: AccessKeys, clock: Clock
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._operators = operators
        self._clock = clock
        self._due = OncePerMinute(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "lifespan"
            or _needs_no_token(scope["path"])
            or not self._tokens.required
            or self._accepted(presented_token(Request(scope)))
        ):
            await self._app(scope, receive, send)
            return
        REFUSED.inc()
        if self._due("refused"):
            client = scope.get("client") or ("", 0)
            _log.warning("reads are refused", path=scope["path"], client=client[0])
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        error = Unauthorized(
            "a read token is needed: Authorization: Bearer TOKEN, or Basic with it as the password"
        )
        response = error_response(Request(scope), error, self._clock)
        for challenge in _CHALLENGES:
            response.headers.append("WWW-Authenticate", challenge)
        await response(scope, receive, send)

    def _accepted(self, token: bytes | None) -> bool:
        if self._tokens.holder(token) is not None:
            return True
        return self._operators.required and self._operators.holder(token) is not None


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
    return path in _WITHOUT_TOKEN or path.startswith(f"{FIREHOSE_PREFIX}/")


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
