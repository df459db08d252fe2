"""Templates to answers: Jinja2, the headers of a page, gzip."""

import gzip
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import app
from app.api.prometheus.sending import takes_gzip
from app.dashboards.questions import MOST_POINTS, STEPS
from app.web.asset_files import AssetFiles
from app.web.formatting import FILTERS

TEMPLATES = Path(__file__).with_name("templates")
_COMPRESSED_FROM_BYTES = 1_000
_LEVEL = 5
# A page loads nothing from anywhere else, and has no script or style within its text.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Encoding, Cookie, HX-Request",
}


class Pages:
    """Renders templates. Values are escaped; a name that a template does not get is an error."""

    def __init__(self, assets: AssetFiles) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(FILTERS)
        self._templates.globals.update(
            asset=assets.url,
            modules=cache(assets.modules),
            steps={"seconds": STEPS, "most_points": MOST_POINTS},
            version=app.__version__,
        )

    def answer(
        self, request: Request, template: str, values: Mapping[str, object], *, status: int = 200
    ) -> Response:
        """The answer of a template with these values."""
        body = self._templates.get_template(template).render(values).encode()
        headers = dict(_HEADERS)
        if len(body) >= _COMPRESSED_FROM_BYTES and takes_gzip(request):
            body = gzip.compress(body, _LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(body, status, headers, media_type="text/html; charset=utf-8")


def query_text(parameters: Mapping[str, object]) -> str:
    """The query of a URL, with its question mark; what is None is left out."""
    pairs = [(name, value) for name, value in parameters.items() if value is not None]
    return f"?{urlencode(pairs, doseq=True)}" if pairs else ""
