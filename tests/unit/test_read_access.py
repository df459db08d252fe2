"""Who may read: every route there is, every way to present a token, and what answers carry."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute

from app.api import ApiContext, create_application, is_loopback
from app.credentials import AccessKeys
from app.errors import ConfigurationError
from app.process import _bind, _check_readers
from app.promql.limits import Limits
from app.query.prometheus import PrometheusData
from app.settings import load_settings
from app.telemetry import REGISTRY
from tests.fixtures.house import house
from tests.fixtures.rest import shipped_dashboards

# Not taken from the code: whoever opens a route has to say so here too.
OPEN_PATHS = {"/healthz", "/readyz"}
DELIVERY_PATHS = {"/aws/firehose/metrics", "/v1/metrics"}
TOKEN = "4f1c09a7e3b25d68"
NEXT = "b25d684f1c09a7e3"
KEY = "key-of-firehose"
BEARER = {"authorization": f"Bearer {TOKEN}"}
NO_TOKEN: dict[str, str] = {}


@contextmanager
def application(database: str, tokens: tuple[str, ...] = (TOKEN, NEXT)) -> Iterator[FastAPI]:
    with house(database, []) as inside:
        yield create_application(
            ApiContext(
                store=inside.store,
                ingest=inside.ingest,
                streams=inside.streams,
                rules=inside.rules,
                access_keys=AccessKeys([KEY]),
                read_tokens=AccessKeys(tokens),
                clock=inside.clock,
                query_max_points=1_000,
                prometheus=PrometheusData(inside.store, lambda: inside.rules.current().definitions),
                query_limits=Limits(),
                concurrent_queries=1,
                concurrent_deliveries=1,
                body_memory_bytes=1_000_000,
                dashboards=shipped_dashboards(),
            )
        )


def ask(web: FastAPI, *requests: tuple[str, str, Any]) -> list[httpx.Response]:
    """Answers to (method, path, headers); an unexpected error is an answer too."""

    async def asking() -> list[httpx.Response]:
        transport = httpx.ASGITransport(web, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [await client.request(m, path, headers=headers) for m, path, headers in requests]

    return anyio.run(asking)


def all_routes(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from all_routes(included.routes)
            continue
        # A route of another kind must be looked at before it is served.
        path: str = route.path  # type: ignore[attr-defined]
        methods: set[str] = route.methods  # type: ignore[attr-defined]
        for method in methods:
            yield method, re.sub(r"\{\w+\}", "x", path)


def test_every_route_is_protected_open_or_takes_deliveries(sqlite_url: str) -> None:
    with application(sqlite_url) as web:
        found = sorted(set(all_routes(web.router.routes)))
        paths = {path for _, path in found}
        described = {re.sub(r"\{\w+\}", "x", path) for path in web.openapi()["paths"]}
        assert described <= paths
        assert len(paths) > 15
        assert paths >= OPEN_PATHS | DELIVERY_PATHS
        # Below this prefix no token is asked for.
        assert {path for path in paths if path.startswith("/aws/firehose")} <= DELIVERY_PATHS
        answers = ask(web, *((method, path, NO_TOKEN) for method, path in found))
    for (method, path), answer in zip(found, answers, strict=True):
        if path in OPEN_PATHS:
            assert answer.status_code == 200, path
        elif path in DELIVERY_PATHS:
            assert answer.status_code == 401, path
            assert "access key" in answer.text.lower() or "Access-Key" in answer.text
        else:
            assert answer.status_code == 401, path
            if method == "HEAD":
                assert not answer.content
            elif path.startswith("/prometheus/"):
                assert answer.json()["errorType"] == "bad_data"
            else:
                assert answer.json()["kind"] == "unauthorized"


def test_a_route_added_later_is_protected(sqlite_url: str) -> None:
    with application(sqlite_url) as web:
        web.get("/later")(lambda: {"all": "data"})
        web.mount("/beside", FastAPI())
        paths = ["/later", "/beside/docs", "/nowhere", "/healthz/", "//healthz", "/READYZ"]
        for path, answer in zip(paths, ask(web, *(("GET", p, {}) for p in paths)), strict=True):
            assert answer.status_code == 401, path
        (allowed,) = ask(web, ("GET", "/later", BEARER))
        assert allowed.json() == {"all": "data"}
        (wrong,) = ask(web, ("POST", "/aws/firehose/other", {}))
        assert wrong.status_code == 404


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {TOKEN}",
        f"bearer  {TOKEN} ",
        f"Bearer {NEXT}",
        basic(f"grafana:{TOKEN}"),
        basic(f":{NEXT}"),
        basic(f"x:{TOKEN}").replace("Basic", "BASIC"),
    ],
)
def test_a_token_comes_as_bearer_or_as_the_password(sqlite_url: str, authorization: str) -> None:
    with application(sqlite_url) as web:
        (answer,) = ask(web, ("GET", "/metrics", {"authorization": authorization}))
    assert answer.status_code == 200


BAD = [
    None,
    "",
    "Bearer",
    "Bearer ",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN.upper()}",
    f"Bearer {TOKEN},{NEXT}",
    f"Bearer {KEY}",
    TOKEN,
    f"Token {TOKEN}",
    "Basic",
    f"Basic {TOKEN}",
    "Basic ====",
    basic(TOKEN),
    basic(f"{TOKEN}:"),
    basic(f"u:{TOKEN}:"),
    f"Bearer {'x' * 60_000}",
    b"Bearer \xff\xfe",
    b"Basic \xff\xfe",
]


def test_anything_else_is_refused_in_one_way(sqlite_url: str) -> None:
    refused = REGISTRY.get_sample_value("hydrant_reads_refused_total") or 0.0
    headers = [{} if value is None else {"authorization": value} for value in BAD]
    with application(sqlite_url) as web:
        answers = ask(
            web,
            *(("GET", "/api/v1/services", given) for given in headers),
            ("GET", f"/api/v1/services?token={TOKEN}", {}),
            ("GET", "/api/v1/services", {"x-amz-firehose-access-key": TOKEN}),
            ("GET", "/api/v1/services", [("authorization", "x"), *BEARER.items()]),
        )
    for answer in answers:
        assert answer.status_code == 401
        # The same to the last byte: nothing tells how near an attempt was.
        assert answer.content == answers[0].content
        assert answer.headers.get_list("www-authenticate") == [
            'Bearer realm="hydrant"',
            'Basic realm="hydrant", charset="UTF-8"',
        ]
        assert TOKEN not in answer.text
    after = REGISTRY.get_sample_value("hydrant_reads_refused_total")
    assert after == refused + len(answers)


def test_without_tokens_everyone_may_read(sqlite_url: str) -> None:
    with application(sqlite_url, ()) as web:
        paths = ("/api/v1/services", "/docs", "/openapi.json", "/metrics")
        answers = ask(web, *(("GET", path, {"authorization": "Bearer any"}) for path in paths))
    assert {answer.status_code for answer in answers} == {200}


# Where it may be served without a token


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_addresses_that_only_this_machine_reaches(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    ("host", "allowed"), [("127.0.0.1", True), ("localhost", True), ("", False)]
)
def test_the_address_that_is_bound_decides(host: str, allowed: bool) -> None:
    listener = _bind(host, 0)
    with listener:
        address = listener.getsockname()[0]
        settings = load_settings(host=host)
        if allowed:
            _check_readers(settings, address)
            return
        with pytest.raises(ConfigurationError, match="HYDRANT_READ_TOKENS"):
            _check_readers(settings, address)
        _check_readers(load_settings(host=host, read_tokens=(TOKEN,)), address)
        _check_readers(load_settings(host=host, allow_anonymous_reads=True), address)


# Headers


def test_every_answer_to_a_reader_says_what_a_browser_may_do(sqlite_url: str) -> None:
    with application(sqlite_url) as web:

        def fail() -> None:
            raise RuntimeError("hunter2")

        web.get("/fails")(fail)
        answers = ask(
            web,
            ("GET", "/api/v1/services", BEARER),
            ("GET", "/api/v1/services?x=1", BEARER),
            ("GET", "/api/v1/services", {}),
            ("GET", "/nowhere", BEARER),
            ("POST", "/metrics", BEARER),
            ("GET", "/metrics", BEARER),
            ("GET", "/healthz", {}),
            ("GET", "/openapi.json", BEARER),
            ("GET", "/fails", BEARER),
            ("GET", "/docs", BEARER),
            ("OPTIONS", "/api/v1/services", {**BEARER, "origin": "https://elsewhere.example"}),
        )
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 400, 401, 404, 405, 200, 200, 200, 500, 200, 405]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "server" not in answer.headers
        assert "hunter2" not in answer.text


def test_the_style_of_the_page_is_the_one_that_its_policy_allows(sqlite_url: str) -> None:
    with application(sqlite_url) as web:
        (page,) = ask(web, ("GET", "/docs", BEARER))
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]
    assert "style=" not in page.text


def test_answers_to_deliveries_stay_as_they_were(sqlite_url: str) -> None:
    with application(sqlite_url) as web:
        answers = ask(
            web,
            ("POST", "/aws/firehose/metrics", {"x-amz-firehose-access-key": KEY}),
            ("POST", "/v1/metrics", {"authorization": f"Bearer {KEY}"}),
        )
    for answer in answers:
        assert set(answer.headers) == {"content-length", "content-type", "x-content-type-options"}
