"""What Firehose may send passes, and Hydrant's answers come back as they were given."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deliveries import envelope, metric_lines
from tests.e2e.nginx.conftest import (
    ID_HEADER,
    KEY_HEADER,
    ONE_POINT,
    Site,
    answer_of,
    conforms,
    connection,
    deliver,
)
from tests.fixtures.nginx import SERVER_NAME, nginx
from tests.fixtures.samples import sample
from tests.fixtures.server import ACCESS_KEY, DELIVERY_PATH, SECOND_KEY, free_port

pytestmark = pytest.mark.e2e

MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    "name", ["json/records.json", "otlp-0.7/capture.json", "otlp-1.0/capture.json"]
)
def test_a_captured_delivery_is_answered_as_without_a_proxy(site: Site, name: str) -> None:
    captured, body = sample(name)
    request_id = next(v for k, v in captured.items() if k.lower() == ID_HEADER.lower())
    left_out = {"host", "content-length", "connection", KEY_HEADER.lower(), ID_HEADER.lower()}
    headers = {k: v for k, v in captured.items() if k.lower() not in left_out}
    with site.proxy.client() as client:
        answer = deliver(client, body, request_id, headers)
    conforms(answer, 200, request_id)
    direct = site.first.deliver(body, request_id)
    assert answer.headers["content-type"] == direct.headers["content-type"]
    assert answer.content[:-14] == direct.content[:-14]
    assert len(answer.content) == len(direct.content)


def test_answers_are_never_compressed(site: Site) -> None:
    with site.proxy.client() as client, site.proxy.client(site.proxy.read_url) as reader:
        conforms(deliver(client, headers={"Accept-Encoding": "gzip"}), 200)
        refused = {"Accept-Encoding": "gzip", KEY_HEADER: "wrong"}
        conforms(deliver(client, headers=refused), 401)
        assert "content-encoding" not in reader.get("/openapi.json").headers


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (ONE_POINT, {KEY_HEADER: "wrong"}, 401),
        (b"not json", {}, 400),
        (b"{}", {"X-Amz-Firehose-Protocol-Version": "2.0"}, 400),
        (b"plain", {"Content-Encoding": "gzip"}, 400),
    ],
    ids=["key", "json", "version", "gzip"],
)
def test_refusals_of_hydrant_come_through_untouched(
    site: Site, body: bytes, headers: dict[str, str], status: int
) -> None:
    with site.proxy.client() as client:
        answer = deliver(client, body, headers=headers)
    direct = site.first.deliver(
        body, **{k.lower().replace("-", "_"): v for k, v in headers.items()}
    )
    assert conforms(answer, status) == json.loads(direct.content)["errorMessage"]


@pytest.mark.parametrize("key", [SECOND_KEY, "x" * 4096, '{"k": "ä"}'])
def test_keys_pass_as_they_are(site: Site, key: str) -> None:
    with site.proxy.client() as client:
        headers = [(KEY_HEADER.encode(), key.encode()), (ID_HEADER.encode(), b"id")]
        answer = client.post(DELIVERY_PATH, content=ONE_POINT, headers=headers)
    conforms(answer, 200 if key == SECOND_KEY else 401)


@pytest.mark.parametrize("name", ["127.0.0.1", SERVER_NAME], ids=["without SNI", "with SNI"])
def test_common_attributes_of_seventy_kibibytes_pass(site: Site, name: str) -> None:
    attributes = {f"{n:0256}": "v" * 1200 for n in range(50)}
    line = json.dumps({"commonAttributes": attributes})
    assert len(line) > 70 * 1024
    lines = [
        f"POST {DELIVERY_PATH} HTTP/1.1",
        f"Host: {name}",
        f"{KEY_HEADER}: {ACCESS_KEY}",
        f"{ID_HEADER}: id",
        f"X-Amz-Firehose-Common-Attributes: {line}",
        f"Content-Length: {len(ONE_POINT)}",
        "Connection: close",
    ]
    with connection(site.proxy, name=name) as conversation:
        conversation.sendall("\r\n".join([*lines, "", ""]).encode() + ONE_POINT)
        assert answer_of(conversation).startswith(b"HTTP/1.1 200 ")


def test_larger_headers_are_refused_so_that_firehose_comes_again(site: Site) -> None:
    with site.proxy.client() as client:
        answer = deliver(client, headers={"X-Amz-Firehose-Common-Attributes": "v" * 200_000})
    assert "common attributes" in conforms(answer, 431, "")


def test_a_full_buffer_passes(site: Site) -> None:
    size, number = 1_000_000, 64 * MEBIBYTE // 1_000_000
    records = [metric_lines("Full", n).ljust(size) for n in range(number)]
    records.append(b" " * (64 * MEBIBYTE - size * number))
    body = envelope(records)
    assert sum(map(len, records)) == 64 * MEBIBYTE
    with site.proxy.client() as client:
        conforms(deliver(client, body, "full"), 200, "full")
    assert site.holds("Full") >= number


def test_a_compressed_body_passes(site: Site) -> None:
    with site.proxy.client() as client:
        body = gzip.compress(envelope([metric_lines("Zipped")]))
        conforms(deliver(client, body, headers={"Content-Encoding": "gzip"}), 200)
    assert site.holds("Zipped") == 1


def test_a_body_may_come_in_chunks(site: Site) -> None:
    def pieces() -> Iterator[bytes]:
        for n in range(0, len(ONE_POINT), 37):
            yield ONE_POINT[n : n + 37]

    with site.proxy.client() as client:
        conforms(deliver(client, pieces()), 200)


def test_what_is_a_little_too_large_is_refused_by_hydrant(site: Site) -> None:
    with site.proxy.client() as client:
        message = conforms(deliver(client, b" " * (91 * MEBIBYTE)), 413)
        assert "at most 90527064" in message
        message = conforms(deliver(client, b" " * (97 * MEBIBYTE)), 413)
        assert "64 MiB buffer" in message


def test_a_request_id_cannot_break_out_of_an_error(site: Site) -> None:
    with site.proxy.client() as client:
        for name in ('"}{"a": "', "back\\slash", "x" * 129, "ä"):
            answer = client.get("/nowhere", headers=[(ID_HEADER.encode(), name.encode())])
            conforms(answer, 404, "")


def test_opentelemetry_has_a_switch(site: Site, tmp_path: Path) -> None:
    point = {"timeUnixNano": "1769860800000000000", "asInt": "7"}
    metric = {"name": "queue", "gauge": {"dataPoints": [point]}}
    export = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    allowed = {"Authorization": f"Bearer {ACCESS_KEY}"}
    switch = {"# include hydrant/otlp.conf": "include hydrant/otlp.conf"}
    with (
        nginx([site.first.port], tmp_path / "on", changes=switch) as proxy,
        proxy.client() as client,
    ):
        answer = client.post("/v1/metrics", json=export, headers=allowed)
        assert (answer.status_code, answer.json()) == (200, {})
        assert site.holds("queue") == 1
        assert client.post("/v1/metrics", json=export).status_code == 401
        assert client.get("/v1/metrics").json()["code"] == 12
    with nginx([free_port()], tmp_path / "down", changes=switch) as proxy, proxy.client() as client:
        answer = client.post("/v1/metrics", json=export, headers=allowed)
        assert (answer.status_code, answer.json()["code"]) == (503, 14)
        assert answer.headers["retry-after"] == "5"
