"""Which page made a browser send a request, as browsers tell and pages cannot change."""

from urllib.parse import urlsplit

from fastapi import Request

from app.api.host_header import parsed_url
from app.errors import Forbidden

_OWN = frozenset({"same-origin", "none"})
_OTHER_SITE = "a page of another site asked for this"


def refuse_other_sites(request: Request) -> None:
    """Raise ``Forbidden`` for what a page of another site asks; programs, which say nothing, pass.

    For requests that bring a token: no page can make a browser add one that it does not know.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in _OWN:
        raise Forbidden(_OTHER_SITE)
    origin = request.headers.get("origin")
    if site is None and origin is not None and not _is_own(request, origin, None):
        raise Forbidden(_OTHER_SITE)


def require_same_origin(request: Request, external_url: str | None) -> None:
    """Raise ``Forbidden`` unless a browser says that a page of this server asks.

    For requests that rest on a cookie, which browsers add whoever asks. ``external_url`` is where
    the server is reached besides the Host of the request, which a proxy may have changed.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        if site == "same-origin":
            return
    elif origin is not None and _is_own(request, origin, external_url):
        return
    raise Forbidden(
        "with a session, changes are asked for by this server's own pages only: neither"
        " Sec-Fetch-Site nor Origin says so; programs send a token"
    )


def _is_own(request: Request, origin: str, external_url: str | None) -> bool:
    asked = parsed_url(origin).netloc.lower()
    own = {request.headers.get("host", "").lower()}
    if external_url is not None:
        own.add(urlsplit(external_url).netloc.lower())
    return bool(asked) and asked in own
