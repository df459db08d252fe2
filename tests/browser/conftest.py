"""What the browser looks at: one account for all tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.fixtures.browser import Visit, Watched, visited
from tests.fixtures.server import RunningServer
from tests.fixtures.watched import Account, account_on


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A server with the account; only tests that say so deliver more into it."""
    directory: Path = tmp_path_factory.mktemp("pages")
    server = RunningServer(directory, f"sqlite:///{directory}/hydrant.db")
    try:
        server.start()
        yield account_on(server)
    finally:
        server.close()


@pytest.fixture
def visit(chromium: Browser, account: Account) -> Iterator[Visit]:
    """``visit(path, **window)``: a page of the account's server, checked when the test ends."""
    with ExitStack() as windows:

        def opened(path: str, **window: Any) -> Watched:  # noqa: ANN401 - as ``visited`` takes them
            watched = windows.enter_context(visited(chromium, account.server.url, **window))
            watched.open(path)
            return watched

        yield opened
