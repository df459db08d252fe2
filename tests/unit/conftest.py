"""An application with all its routes, which answers nobody."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from app.main import build_application
from app.settings import load_settings


@pytest.fixture
def web_application(sqlite_url: str) -> Iterator[FastAPI]:
    application = build_application(load_settings(allow_anonymous=True, database=sqlite_url))
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(application.router.lifespan_context(application)),
    ):
        yield application
