"""Which requests are those of people who look at pages."""

from fastapi import Request

from app.api.paths import NO_PAGES


def asks_for_page(request: Request) -> bool:
    """Whether a browser asks for something to look at, and not a program for data."""
    path = request.url.path
    if any(path == each or path.startswith(f"{each}/") for each in NO_PAGES):
        return False
    return "text/html" in request.headers.get("accept", "") or is_part_of_page(request)


def is_part_of_page(request: Request) -> bool:
    """Whether htmx asks, which puts the answer into a page that is already there."""
    return "hx-request" in request.headers
