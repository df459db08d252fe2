"""The pages behind the proxy: what passes, and signing in over TLS."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.e2e.nginx.conftest import Site, answer_of, connection, head
from tests.fixtures.nginx import RunningNginx, nginx
from tests.fixtures.server import RunningServer, free_port

pytestmark = pytest.mark.e2e

READER = "a-reading-token-01"
OPERATOR = "an-operator-token-1"
BROWSER = {"accept": "text/html"}
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNginx]:
    """A proxy before two servers that need tokens, and share nothing else."""
    directory = tmp_path_factory.mktemp("closed")
    servers = []
    for name in ("first", "second"):
        (directory / name).mkdir()
        database = f"sqlite:///{directory / name / 'hydrant.db'}"
        servers.append(
            RunningServer(directory / name, database, read_tokens=READER, operator_tokens=OPERATOR)
        )
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(RunningServer.start, servers))
        with nginx([server.port for server in servers], directory / "proxy") as proxy:
            yield proxy
    finally:
        for server in servers:
            server.close()


def test_pages_and_their_assets_pass_with_their_own_policies(site: Site) -> None:
    with site.proxy.client(site.proxy.read_url) as reader:
        page = reader.get("/", headers=BROWSER)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        (policy,) = page.headers.get_list("content-security-policy")
        assert "script-src 'self'" in policy
        assert page.headers.get_list("referrer-policy") == ["same-origin"]
        assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
        assert len(assets) >= 5
        for path in assets:
            asset = reader.get(path)
            assert asset.status_code == 200
            assert asset.headers.get_list("cache-control") == [
                "public, max-age=31536000, immutable"
            ]


@pytest.mark.parametrize(
    "path",
    [
        *("/accounts/111122223333", "/tables", "/tables/orders", "/dashboards", "/dashboards/x"),
        *("/explore", "/explain", "/alarms", "/alarms/history", "/streams", "/rules"),
    ],
)
def test_hydrant_answers_for_every_page_of_the_navigation(closed: RunningNginx, path: str) -> None:
    with closed.client(closed.read_url) as browser:
        answer = browser.get(f"{path}?from=now-7d", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in?next={path}%3Ffrom%3Dnow-7d"


@pytest.mark.parametrize("path", ["/tablesx", "/assets", "/sign-in/", "/sign-inx", "/.git/config"])
def test_nothing_beside_them_passes(closed: RunningNginx, path: str) -> None:
    with closed.client(closed.read_url) as browser:
        assert browser.get(path, headers=BROWSER).json()["kind"] == "not_found"


def test_pages_take_no_deliveries(site: Site) -> None:
    with connection(site.proxy, port=site.proxy.read_port) as conversation:
        conversation.sendall(head("/", 0))
        assert answer_of(conversation).startswith(b"HTTP/1.1 405 ")


def sign_in(browser: httpx.Client, token: str) -> httpx.Response:
    form = {"token": token, "next": "/api/v1/services"}
    return browser.post("/sign-in", data=form, headers={**BROWSER, **OWN})


def test_a_session_over_tls_is_good_at_every_server(closed: RunningNginx) -> None:
    with closed.client(closed.read_url) as browser:
        assert browser.get("/sign-in", headers=BROWSER).status_code == 200
        answer = sign_in(browser, OPERATOR)
        assert (answer.status_code, answer.headers["location"]) == (303, "/api/v1/services")
        name, *attributes = answer.headers["set-cookie"].split("; ")
        assert name.startswith("__Host-hydrant-session=")
        assert {"Secure", "HttpOnly"} <= set(attributes)
        # Several at once go to both servers.
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: browser.get("/api/v1/services"), range(40)))
        assert {each.status_code for each in answers} == {200}
        silence = {"matchers": [{"name": "TableName", "value": "orders"}], "duration": "2h"}
        path = "/api/v1/alarms/silences"
        assert browser.post(path, json=silence, headers=OWN).status_code == 201
        assert browser.post(path, json=silence).status_code == 403
        browser.post("/sign-out", headers={**BROWSER, **OWN})
        assert browser.get("/api/v1/services").status_code == 401
    servers = set(
        re.findall(r'"path":"/api/v1/services".*?"upstream":"([^"]+)"', closed.access_log)
    )
    assert len(servers) == 2


def test_a_wrong_token_is_refused_and_written_down_nowhere(closed: RunningNginx) -> None:
    with closed.client(closed.read_url) as browser:
        answer = sign_in(browser, "a-wrong-token-0001")
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert "a-wrong-token-0001" not in closed.access_log


def test_another_proxy_is_believed_by_the_external_url(tmp_path: Path) -> None:
    server = RunningServer(
        tmp_path,
        f"sqlite:///{tmp_path / 'hydrant.db'}",
        read_tokens=READER,
        external_url=f"https://hydrant.example:{free_port()}",
    )
    try:
        server.start()
        form = {"token": READER}
        public = {"host": "hydrant.example", **BROWSER, **OWN}
        outside = server.client.post("/sign-in", data=form, headers=public)
        assert outside.headers["set-cookie"].startswith("__Host-hydrant-session=")
        inside = server.client.post("/sign-in", data=form, headers={**BROWSER, **OWN})
        assert inside.headers["set-cookie"].startswith("hydrant-session=")
    finally:
        server.close()
