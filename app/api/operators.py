"""Who may silence and acknowledge: a check of every request that changes something.

A request that another site makes a browser send is refused whatever token the browser adds to it.
"""

from fastapi import Request

from app.api.context import ApiContext
from app.api.host_header import parsed_url
from app.api.read_access import is_loopback, presented_token
from app.api.same_origin import refuse_other_sites, require_same_origin
from app.api.session_cookie import SessionCookie
from app.errors import Forbidden, Unauthorized

_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_LOCAL = "local"


class Operators:
    """Checks requests against the tokens of operators; without tokens only this machine may.

    A session of an operator is good as well, in requests of this server's own pages.
    """

    def __init__(self, context: ApiContext) -> None:
        self._operators = context.operator_tokens
        self._readers = context.read_tokens
        self._external_url = context.external_url
        self._cookie = SessionCookie(context)

    def require(self, request: Request) -> str:
        """A name of who asks, such as ``key-1``.

        Raises ``Unauthorized`` without a token where one is needed, and ``Forbidden`` for one that
        is no operator's, for a request of another site, and where nobody may change anything.
        """
        refuse_other_sites(request)
        token = presented_token(request)
        if self._operators.required:
            holder = self._operators.holder(token)
            if holder is not None:
                return holder.name
            if token is None:
                return self._of_session(request)
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

    def may_change(self, request: Request) -> bool:
        """Whether a page is to offer changes to who looks at it."""
        if self._operators.required:
            if self._operators.holder(presented_token(request)) is not None:
                return True
            session = self._cookie.session(request)
            return session is not None and session.operator is not None
        return not self._readers.required and _is_local(request)

    def _of_session(self, request: Request) -> str:
        session = self._cookie.session(request)
        if session is None:
            raise Unauthorized("an operator token is needed: Authorization: Bearer TOKEN")
        require_same_origin(request, self._external_url)
        if session.operator is None:
            raise Forbidden(
                "you are signed in with a token for reading; sign in with an operator token"
            )
        return session.operator.name


def _is_local(request: Request) -> bool:
    """Whether a client on this machine asks a server on this machine, and nobody in between.

    The name that it asked for must be this machine's too: that of a page whose name suddenly leads
    here is not.
    """
    server, client = request.scope.get("server"), request.client
    if server is None or client is None or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    asked_for = parsed_url(f"//{request.headers.get('host', '')}").hostname or ""
    return (
        is_loopback(server[0])
        and is_loopback(client.host)
        and (asked_for == "localhost" or is_loopback(asked_for))
    )
