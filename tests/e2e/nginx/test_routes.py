"""What each server lets through, and what NGINX writes down about it."""

import json
from pathlib import Path

import httpx
import pytest

from tests.e2e.nginx.conftest import (
    ID_HEADER,
    KEY_HEADER,
    ONE_POINT,
    Site,
    answer_of,
    conforms,
    connection,
    deliver,
    head,
    stand_in,
)
from tests.fixtures.nginx import RunningNginx, nginx
from tests.fixtures.server import DELIVERY_PATH, free_port

pytestmark = pytest.mark.e2e

EMPTY_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/readyz",
        "/api/v1/services",
        "/api/v1/quarantine?data=true",
        "/prometheus/api/v1/query?query=up",
        "/v1/metrics",
        f"{DELIVERY_PATH}/",
        f"{DELIVERY_PATH}/../../../api/v1/services",
        f"{DELIVERY_PATH}/%2e%2e/%2e%2e/%2e%2e/metrics",
        "/aws/firehose",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_public_server_has_nothing_else(site: Site, method: str, path: str) -> None:
    # By hand: a client would tidy the path up.
    with connection(site.proxy) as conversation:
        conversation.sendall(head(path, 0, method))
        received = answer_of(conversation)
    assert received.startswith(b"HTTP/1.1 404 ")
    assert "there is nothing here" in json.loads(received.partition(b"\r\n\r\n")[2])["errorMessage"]


def test_however_the_path_was_written_hydrant_sees_this_one(tmp_path: Path) -> None:
    spellings = [
        DELIVERY_PATH,
        f"/api/..{DELIVERY_PATH}",
        "/aws/firehose/%6detrics",
        f"/{DELIVERY_PATH}",
    ]
    with stand_in(lambda _: EMPTY_ANSWER) as (port, received), nginx([port], tmp_path) as proxy:
        for path in spellings:
            with connection(proxy) as conversation:
                conversation.sendall(head(path, 0))
                assert answer_of(conversation).startswith(b"HTTP/1.1 200 ")
    assert {request.partition(b"\r\n")[0] for request in received} == {
        f"POST {DELIVERY_PATH} HTTP/1.1".encode()
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_deliveries_are_posted(site: Site, method: str) -> None:
    with site.proxy.client() as client:
        answer = client.request(method, DELIVERY_PATH, headers={ID_HEADER: "id"})
    assert "POST" in conforms(answer, 405)


def test_a_load_balancer_finds_the_health_check(site: Site) -> None:
    with site.proxy.client() as client:
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert client.post("/healthz").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        *("/api/v1/services", "/metrics", "/docs", "/openapi.json", "/healthz", "/readyz"),
        "/prometheus/api/v1/query?query=1",
    ],
)
def test_the_read_server_answers_questions(site: Site, path: str) -> None:
    with site.proxy.client(site.proxy.read_url) as reader:
        answer = reader.get(path)
    assert answer.status_code == 200
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("x-frame-options") == ["DENY"]
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'")
    # The page of routes brings its own policy, without which it would have no style.
    assert ("style-src" in policy) == (path == "/docs")


def test_the_read_server_passes_prometheus_forms_and_errors_on(site: Site) -> None:
    with site.proxy.client(site.proxy.read_url) as reader:
        # Longer than what the proxy would pass on in one piece.
        long = " + ".join(["1"] * 100) + " " * 50_000
        answer = reader.post("/prometheus/api/v1/query", data={"query": long, "time": "4"})
        assert answer.json()["data"] == {"resultType": "scalar", "result": [4, "100"]}
        error = reader.post("/prometheus/api/v1/query", data={"query": "sum("})
        assert error.status_code == 400
        assert error.json()["errorType"] == "bad_data"


@pytest.mark.parametrize("path", [DELIVERY_PATH, "/v1/metrics", f"/api/..{DELIVERY_PATH}"])
def test_the_read_server_takes_no_deliveries(site: Site, path: str) -> None:
    with connection(site.proxy, port=site.proxy.read_port) as conversation:
        conversation.sendall(head(path, len(ONE_POINT)) + ONE_POINT)
        received = answer_of(conversation)
    assert received.startswith(b"HTTP/1.1 404 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["kind"] == "not_found"


def test_readers_are_those_of_the_list(site: Site, tmp_path: Path) -> None:
    others = {"allow 127.0.0.1;": "allow 192.0.2.1;"}
    with nginx([site.first.port], tmp_path, changes=others) as proxy:
        with proxy.client(proxy.read_url) as reader:
            for path in ("/api/v1/services", "/docs", "/metrics"):
                answer = reader.get(path)
                assert (answer.status_code, answer.json()["kind"]) == (403, "forbidden")
        with proxy.client() as client:
            conforms(deliver(client), 200)


def test_the_token_reaches_hydrant_and_claims_about_the_client_do_not(tmp_path: Path) -> None:
    claims = {
        "Authorization": "Bearer abc",
        "X-Forwarded-For": "192.0.2.9",
        "X-Forwarded-Proto": "gopher",
    }
    with (
        stand_in(lambda _: EMPTY_ANSWER) as (port, received),
        nginx([port], tmp_path) as proxy,
        proxy.client(proxy.read_url) as reader,
    ):
        assert reader.get("/api/v1/services?layer=x", headers=claims).status_code == 200
    (request,) = received
    lines = request.lower().decode().split("\r\n")
    assert lines[0] == "get /api/v1/services?layer=x http/1.1"
    assert [line for line in lines if line.startswith("authorization")] == [
        "authorization: bearer abc"
    ]
    assert [line for line in lines if line.startswith("x-forwarded")] == [
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: https",
    ]


def test_behind_a_load_balancer_that_ends_tls(site: Site, tmp_path: Path) -> None:
    port = free_port()
    lines = (
        f"listen 127.0.0.1:{port};\nset_real_ip_from 127.0.0.0/8;\nreal_ip_header X-Forwarded-For;"
    )
    with (
        nginx(
            [site.first.port],
            tmp_path,
            changes={"# listen [::]:443 ssl;\nserver": f"{lines}\nserver"},
        ) as proxy,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        forwarded = {"Host": "10.0.0.7:8080", "X-Forwarded-For": "192.0.2.1, 192.0.2.2"}
        assert client.get("/healthz", headers=forwarded).status_code == 200
        conforms(deliver(client, headers=forwarded), 200)
        conforms(client.get("/metrics", headers=forwarded), 404, "")
        # The last one is what the load balancer saw; all before it may be invented.
        assert '"client":"192.0.2.2"' in proxy.access_log


def everything_written(proxy: RunningNginx) -> bytes:
    """All files below the proxy's directory but the configuration that it was given."""
    written = [path for name in ("logs", "cache") for path in (proxy.directory / name).rglob("*")]
    return b"\n".join(path.read_bytes() for path in written if path.is_file())


@pytest.mark.parametrize("alive", [True, False], ids=["alive", "down"])
def test_no_secret_is_written_down(site: Site, tmp_path: Path, alive: bool) -> None:
    key, secret = "k3y-of-the-firehose", "s3cret-of-the-reader"
    query = f"?token={secret}&key={key}"
    headers = {
        KEY_HEADER: key,
        "Authorization": f"Bearer {secret}",
        "Cookie": f"session={secret}",
        "Referer": f"https://example.com/{query}",
        "X-Amz-Firehose-Common-Attributes": f'{{"commonAttributes":{{"key":"{secret}"}}}}',
        "X-Amz-Firehose-Source-Arn": "arn:aws:firehose:eu-west-1:111122223333:deliverystream/s",
    }
    port = site.first.port if alive else free_port()
    # A rate that is exceeded at once, because refusals are logged as errors.
    tight = {"rate=50r/s": "rate=1r/m", "burst=200": "burst=3"}
    with nginx([port], tmp_path, changes=tight) as proxy:
        with proxy.client() as client, proxy.client(proxy.read_url) as reader:
            for path in (DELIVERY_PATH, "/nowhere", "/healthz"):
                for method in ("GET", "POST"):
                    client.request(method, path + query, headers=headers, content=ONE_POINT)
            statuses = [
                reader.get("/api/v1/services" + query, headers=headers).status_code
                for _ in range(6)
            ]
            assert 429 in statuses
            client.get("/nowhere", headers={KEY_HEADER: key * 20_000, "X": "y"})
        proxy.stop()
        written = everything_written(proxy)
    assert b"deliverystream/s" in written
    assert b"[alert]" not in written
    for word in (key, secret, "token="):
        assert word.encode() not in written


def test_the_access_log_is_one_object_a_line(site: Site) -> None:
    with site.proxy.client() as client:
        for request_id in ("logged-1", "logged-2"):
            conforms(
                deliver(
                    client,
                    request_id=request_id,
                    headers={"User-Agent": 'a"\tb'},
                ),
                200,
                request_id,
            )
        named = {
            b"X-Amz-Firehose-Request-Id": b"logged-3",
            b"X-Amz-Firehose-Source-Arn": b"\x9b31m",
            b"User-Agent": b"\x9b2J\xff",
        }
        assert client.post("/aws/%9b31m%ff", headers=named).status_code == 404
    lines = [json.loads(line) for line in site.proxy.access_log.splitlines()]
    (line,) = [line for line in lines if line["request_id"] == "logged-3"]
    assert {line[name] for name in ("path", "source", "agent")} == {"(not ASCII)"}
    (line,) = [line for line in lines if line["request_id"] == "logged-1"]
    assert line["status"] == 200
    assert line["path"] == DELIVERY_PATH
    assert line["source"] == "", "a header that was not sent"
    assert line["agent"] == 'a"\tb'
    assert line["request_bytes"] > len(ONE_POINT)
    assert line["upstream"] in {f"127.0.0.1:{server.port}" for server in (site.first, site.second)}
    assert line["upstream_status"] == "200"
    assert line["tls"] == "TLSv1.3"
