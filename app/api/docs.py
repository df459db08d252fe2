"""``GET /docs``: the routes as one plain page, made from the OpenAPI description.

The framework's own page loads its scripts from a CDN, which an operator's network may not reach
and should not have to trust. This one has no script at all (docs/adr/0011).
"""

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI, Response

from app.api.security_headers import page_policy

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code { font: 0.95em ui-monospace, monospace } h2 { margin: 2rem 0 0.25rem; font-size: 1.1rem }
table { border-collapse: collapse; margin: 0.5rem 0 } p { margin: 0.25rem 0 }
td, th { text-align: left; padding: 0.2rem 1rem 0.2rem 0; vertical-align: top }
@media (prefers-color-scheme: dark) { body { background: #14171a; color: #dde } a { color: #8bf } }
"""


def add_docs_page(application: FastAPI) -> None:
    """Serve the page; the description itself is at ``/openapi.json``."""

    @application.get("/docs", include_in_schema=False)
    def docs() -> Response:
        page = "".join(_page(application.openapi()))
        headers = {"Content-Security-Policy": page_policy(_STYLE)}
        return Response(page, headers=headers, media_type="text/html")


def _page(openapi: dict[str, Any]) -> Iterator[str]:
    title = f"{openapi['info']['title']} {openapi['info']['version']}"
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
    yield "<meta name=viewport content='width=device-width'>"
    yield f"<style>{_STYLE}</style><h1>{escape(title)}</h1>"
    for paragraph in openapi["info"]["description"].strip().split("\n\n"):
        yield f"<p>{escape(paragraph).replace('`', '')}</p>"
    yield "<p>Machine-readable: <a href=/openapi.json><code>/openapi.json</code></a></p>"
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation.get('summary', ''))}</p>"
            yield from _parameters(operation.get("parameters", []))


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if not parameters:
        return
    yield "<table>"
    for parameter in parameters:
        schema = parameter["schema"]
        default = schema.get("default")
        notes = [parameter.get("description") or schema.get("description") or ""]
        if parameter["in"] == "path":
            notes.append("part of the path")
        if default is not None:
            notes.append(f"default: {default}")
        text = "; ".join(escape(note) for note in notes if note)
        yield f"<tr><th><code>{escape(parameter['name'])}</code></th><td>{text}</td></tr>"
    yield "</table>"
