"""Every page is let through by NGINX and looked at in a browser."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI

from tests.browser.test_every_page import PAGES
from tests.fixtures.routes import get_paths

READ_SERVER = Path(__file__).resolve().parents[3] / "deploy/nginx/hydrant/read.conf"
NO_PAGES = ("/api/", "/assets/", "/prometheus/", "/docs", "/openapi.json", "/metrics")
PROBES = {"/healthz", "/readyz"}
ELSEWHERE = {"/explore/series", "/sign-in"}
"""A part of a page, which that page asks for, and the form that test_sign_in looks at."""


def pages_of(application: FastAPI) -> set[str]:
    return {path for path in get_paths(application) - PROBES if not path.startswith(NO_PAGES)}


def test_every_page_is_looked_at(web_application: FastAPI) -> None:
    visited = {urlsplit(path).path for path in PAGES.values()}
    pages = pages_of(web_application)
    assert len(pages) > 15
    unseen = {
        path
        for path in pages - ELSEWHERE
        if not any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), each) for each in visited)
    }
    assert unseen == set()


def test_nginx_lets_every_path_through(web_application: FastAPI) -> None:
    location = re.search(r"^location ~ (\S+) \{$", READ_SERVER.read_text("utf-8"), re.MULTILINE)
    assert location
    paths = get_paths(web_application)
    assert {path for path in paths if not re.search(location[1], path)} == set()
