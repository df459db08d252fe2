"""The door: keys, limits, encodings; whatever happens, the answer is one that Firehose accepts."""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.deliveries import envelope, metric_lines
from tests.fixtures.server import (
    ACCESS_KEY,
    DELIVERY_PATH,
    SECOND_KEY,
    RunningServer,
    ServerStarter,
)

pytestmark = pytest.mark.e2e

MEBIBYTE = 1 << 20
LARGEST_BODY = (64 * MEBIBYTE + 2) // 3 * 4 + MEBIBYTE
KEY_HEADER = "X-Amz-Firehose-Access-Key"
ID_HEADER = "X-Amz-Firehose-Request-Id"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for tests that leave it healthy."""
    directory = tmp_path_factory.mktemp("door")
    server = RunningServer(directory, f"sqlite:///{directory / 'hydrant.db'}")
    server.start()
    yield server
    server.close()


def conforms(answer: httpx.Response, status: int, request_id: str = "id") -> dict[str, object]:
    """Assert the form that Firehose requires; returns the reply."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content) <= MEBIBYTE
    reply: dict[str, object] = json.loads(answer.content)
    assert reply["requestId"] == request_id
    assert type(reply["timestamp"]) is int
    assert abs(int(reply["timestamp"]) - time.time() * 1000) < 60_000
    if status == 200:
        assert set(reply) == {"requestId", "timestamp"}
    else:
        assert set(reply) == {"requestId", "timestamp", "errorMessage"}
        message = str(reply["errorMessage"])
        assert 0 < len(message) <= 8192
        assert not set(message) & set('"\\\n\r\t')
    return reply


def stored(server: RunningServer, metric: str) -> int:
    """How many points of a metric there are."""
    series = server.get("/api/v1/statistics", metric=metric)["series"]
    return sum(len(item["timestamps"]) for item in series)


# Keys


@pytest.mark.parametrize("key", [ACCESS_KEY, SECOND_KEY])
def test_each_configured_key_opens(server: RunningServer, key: str) -> None:
    body = envelope([metric_lines("Keys")])
    conforms(server.deliver(body, x_amz_firehose_access_key=key), 200)


@pytest.mark.parametrize("key", [None, "", "Token", "token ,", f"{ACCESS_KEY},{SECOND_KEY}", "ü"])
def test_any_other_key_does_not(server: RunningServer, key: str | None) -> None:
    headers = [] if key is None else [(KEY_HEADER.encode(), key.encode())]
    answer = server.client.post(
        DELIVERY_PATH, content=envelope([metric_lines("Refused")]), headers=headers
    )
    reply = conforms(answer, 401, "")
    assert ACCESS_KEY not in str(reply["errorMessage"]).split()
    assert stored(server, "Refused") == 0


# Refusals


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"not json", {}, 400),
        (b'{"requestId": "id", "records": "none"}', {}, 400),
        (b'{"requestId": "id"}', {}, 400),
        (b'["records"]', {}, 400),
        (b'{"records": [' * 2000, {}, 400),
        (b"\xff\xfe{}", {}, 400),
        (b"plain", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b'{"records": []}', mtime=0)[:-9], {"content_encoding": "gzip"}, 400),
        (b"{}", {"content_encoding": "br"}, 400),
        (b"{}", {"content_encoding": "gzip, gzip"}, 400),
        (b'{"records": []}', {"x_amz_firehose_protocol_version": "2.0"}, 400),
        (envelope([b""] * 10_001), {}, 400),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else None,
)
def test_a_refusal_has_the_form_of_an_answer(
    server: RunningServer, body: bytes, headers: dict[str, str], status: int
) -> None:
    conforms(server.deliver(body, **headers), status)


@pytest.mark.parametrize("path", ["/aws/firehose", "/aws/firehose/other", f"{DELIVERY_PATH}/x"])
def test_other_paths_answer_404_in_the_same_form(server: RunningServer, path: str) -> None:
    conforms(server.client.post(path, content=b"{}", headers={ID_HEADER: "id"}), 404)


def test_a_wrong_route_is_counted_and_logged(server: RunningServer) -> None:
    counted = 'hydrant_delivery_requests_total{route="firehose",status="404"}'
    before = server.client.get("/metrics").text.partition(counted)[2].split("\n")[0]
    answer = server.client.post(f"{DELIVERY_PATH}/", content=b"{}", headers={ID_HEADER: "id"})
    conforms(answer, 404)
    after = server.client.get("/metrics").text.partition(counted)[2].split("\n")[0]
    assert float(after) == float(before or 0) + 1
    assert f"path={DELIVERY_PATH}/" in server.log


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_answer_405_in_the_same_form(server: RunningServer, method: str) -> None:
    conforms(server.client.request(method, DELIVERY_PATH, headers={ID_HEADER: "id"}), 405)


# Request ids


@pytest.mark.parametrize(
    ("in_header", "in_body", "answered"),
    [
        ("a", "a", "a"),
        ("a", "b", "a"),
        ("a", None, "a"),
        (None, "b", "b"),
        (None, None, ""),
        ('quoted "id" \\', None, 'quoted "id" \\'),
        ("x" * 5000, None, "x" * 5000),
    ],
)
def test_the_request_id_is_the_headers_or_else_the_bodys(
    server: RunningServer, in_header: str | None, in_body: str | None, answered: str
) -> None:
    metric = f"Ids{len(in_header or '')}{in_body}"
    body = envelope([metric_lines(metric)], in_body)
    for _ in range(2):
        conforms(server.deliver(body, in_header), 200, answered)
    assert stored(server, metric) == 1


# Bodies that are legal however odd


def test_common_attributes_may_fill_seventy_kibibytes(server: RunningServer) -> None:
    attributes = {f"{number:0256d}": "v" * 1024 for number in range(56)}
    header = json.dumps({"commonAttributes": attributes})
    assert len(header) > 70 * 1024
    answer = server.deliver(envelope([]), x_amz_firehose_common_attributes=header)
    conforms(answer, 200)


def test_ten_thousand_records_with_empty_ones_between(server: RunningServer) -> None:
    records = [metric_lines("Many", n) if n % 2 else b"" for n in range(10_000)]
    conforms(server.deliver(envelope(records)), 200)
    assert stored(server, "Many") == 5000


@pytest.mark.parametrize("body", [envelope([]), envelope([b""]), b'{"records":[]}'])
def test_nothing_at_all_is_acknowledged(server: RunningServer, body: bytes) -> None:
    conforms(server.deliver(body), 200)


def test_a_body_may_come_in_chunks(server: RunningServer) -> None:
    body = envelope([metric_lines("Chunks", n) for n in range(100)])
    pieces = (body[n : n + 37] for n in range(0, len(body), 37))
    answer = server.client.post(
        DELIVERY_PATH, content=pieces, headers={KEY_HEADER: ACCESS_KEY, ID_HEADER: "id"}
    )
    conforms(answer, 200)
    assert stored(server, "Chunks") == 100


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
def test_every_member_of_a_gzip_body_is_read(server: RunningServer, encoding: str) -> None:
    metric = f"Members{encoding}"
    body = envelope([metric_lines(metric, n) for n in range(50)])
    half = len(body) // 2
    compressed = gzip.compress(body[:half]) + gzip.compress(b"") + gzip.compress(body[half:])
    conforms(server.deliver(compressed, content_encoding=encoding), 200)
    assert stored(server, metric) == 50


def test_the_answer_is_never_compressed(server: RunningServer) -> None:
    body = envelope([metric_lines("Plain")])
    conforms(server.deliver(body, accept_encoding="gzip, br, zstd, *"), 200)
    conforms(server.deliver(b"x", accept_encoding="gzip, br, zstd, *"), 400)


# Limits


def bomb() -> bytes:
    """A few hundred kilobytes that inflate to 1 GiB."""
    deflate = zlib.compressobj(9, wbits=31)
    megabyte = b" " * MEBIBYTE
    return b"".join(deflate.compress(megabyte) for _ in range(1024)) + deflate.flush()


def test_what_firehose_cannot_send_is_answered_413(server: RunningServer) -> None:
    announced = server.deliver(b" " * (LARGEST_BODY + 1))
    conforms(announced, 413)
    pieces = (b" " * MEBIBYTE for _ in range(LARGEST_BODY // MEBIBYTE + 1))
    headers = {KEY_HEADER: ACCESS_KEY, ID_HEADER: "id"}
    conforms(server.client.post(DELIVERY_PATH, content=pieces, headers=headers), 413)
    conforms(server.deliver(bomb(), content_encoding="gzip"), 413)


def test_a_body_of_the_largest_size_is_not_too_large(server: RunningServer) -> None:
    body = envelope([metric_lines("Padded")])
    conforms(server.deliver(body + b" " * (LARGEST_BODY - len(body))), 200)
    assert stored(server, "Padded") == 1


@pytest.mark.slow
def test_sixty_four_mebibytes_of_points_in_one_request(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    records = []
    points = size = 0
    while size < 63.9 * MEBIBYTE:
        lines = b"".join(metric_lines("Large", points + n, points // 30_000) for n in range(3000))
        points += 3000
        size += len(lines)
        records.append(lines)
    body = envelope(records)
    started = time.monotonic()
    conforms(server.deliver(body), 200)
    assert time.monotonic() - started < 60
    ((found,),) = server.rows("SELECT COUNT(*) FROM v_points")
    assert found == points


# Clients that leave


def test_a_client_that_leaves_in_mid_body_harms_nobody(server: RunningServer) -> None:
    body = envelope([metric_lines("Gone")])
    head = (
        f"POST {DELIVERY_PATH} HTTP/1.1\r\nHost: x\r\n{KEY_HEADER}: {ACCESS_KEY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    for sent in (head[:40], head, head + body[:10], head + body[:-1]):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(sent)
    # Gone before the answer: the delivery is whole and may be stored or not, but never in part.
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + body)
    conforms(server.deliver(envelope([metric_lines("Next")])), 200)
    assert server.get("/healthz") == {"status": "ok"}
    assert server.get("/readyz") == {"status": "ready"}
    assert "Traceback" not in server.log
