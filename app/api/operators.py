"""Who may silence and acknowledge: a check of every request that changes something.

A request that another site makes a browser send is refused whatever token the browser adds to it.
"""

from urllib.parse import urlsplit

from fastapi import Request

from app.api.read_access import is_loopback, presented_token
from app.credentials import AccessKeys
from app.errors import Forbidden, Unauthorized

_SAME_SITE = frozenset({"same-origin", "none"})
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_LOCAL = "local"


class Operators:
    """Checks requests against the tokens of operators; without tokens only this machine may."""

    def __init__(self, operators: AccessKeys, readers: AccessKeys) -> None:
        self._operators = operators
        self._readers = readers

    def require(self, request: Request) -> str:
        """A name of who asks, such as ``key-1``.

        Raises ``Unauthorized`` without a token where one is needed, and ``Forbidden`` for one that
        is no operator's, for a request of another site, and where nobody may change anything.
        """
        _require_same_site(request)
        token = presented_token(request)
        if self._operators.required:
            holder = self._operators.holder(token)
            if holder is not None:
                return holder.name
            if token is None:
                raise Unauthorized("an operator token is needed: Authorization: Bearer TOKEN")
            raise Forbidden("this token is for reading; an operator token is needed here")
        if self._readers.required:
            raise Forbidden(
                "nobody may change anything here: set HYDRANT_OPERATOR_TOKENS, and send one of them"
            )
        if not _is_local(request):
            raise Forbidden(
                "without HYDRANT_OPERATOR_TOKENS only this machine may change anything, by its"
                " loopback address and without a proxy"
            )
        return _LOCAL


def _require_same_site(request: Request) -> None:
    """Browsers tell where a request comes from; other clients say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in _SAME_SITE:
        raise Forbidden("a page of another site asked for this")
    origin = request.headers.get("origin")
    if site is None and origin is not None:
        host = request.headers.get("host", "")
        if urlsplit(origin).netloc.lower() != host.lower():
            raise Forbidden("a page of another site asked for this")


def _is_local(request: Request) -> bool:
    """Whether a client on this machine asks a server on this machine, and nobody in between.

    The name that it asked for must be this machine's too: that of a page whose name suddenly leads
    here is not.
    """
    server, client = request.scope.get("server"), request.client
    if server is None or client is None or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    asked_for = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return (
        is_loopback(server[0])
        and is_loopback(client.host)
        and (asked_for == "localhost" or is_loopback(asked_for))
    )
