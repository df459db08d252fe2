"""``POST /v1/metrics``: encodings, keys, limits, and answers that an exporter can read."""

import gzip
import json
import zlib

import httpx
import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from app.otlp.descriptor import Status
from app.telemetry import REGISTRY
from tests.fixtures.exports import JSON, OTLP_PATH, PROTOBUF, export, gauge, routes
from tests.fixtures.house import House

MEBIBYTE = 1 << 20
GOOD = export(gauge("m", 1.0, 2.0), service__name="shop")
BODY = GOOD.SerializeToString()
TEXT = MessageToJson(GOOD).encode()


def post(
    database: str, content: bytes, headers: dict[str, str], **made: object
) -> tuple[httpx.Response, int]:
    """The answer to one request, and how many points are stored."""
    answers: list[httpx.Response] = []

    async def test(client: httpx.AsyncClient) -> None:
        answers.append(await client.post(OTLP_PATH, content=content, headers=headers))

    with routes(database, **made) as (inside, run):  # type: ignore[arg-type]
        run(test)
        return answers[0], stored(inside)


def stored(inside: House) -> int:
    ((count,),) = inside.rows("SELECT count(*) FROM v_points")
    assert isinstance(count, int)
    return count


def typed(content_type: str, **more: str) -> dict[str, str]:
    return {"content-type": content_type} | {k.replace("_", "-"): v for k, v in more.items()}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (PROTOBUF, BODY),
        (JSON, TEXT),
        ("Application/JSON; charset=utf-8", TEXT),
        (f"{PROTOBUF};v=1", BODY),
    ],
)
@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "deflate"])
def test_a_request_is_stored_and_answered_in_kind(
    sqlite_url: str, content_type: str, body: bytes, encoding: str
) -> None:
    sent = {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}.get(encoding, body)
    headers = typed(content_type, content_encoding=encoding)
    answer, points = post(sqlite_url, sent, headers)
    assert (answer.status_code, points) == (200, 2)
    kind = content_type.partition(";")[0].lower()
    assert answer.headers["content-type"] == kind
    assert answer.content == (b"{}" if kind == JSON else b"")


@pytest.mark.parametrize(("content_type", "body"), [(PROTOBUF, b""), (JSON, b"{}")])
def test_an_empty_request_is_answered_200(sqlite_url: str, content_type: str, body: bytes) -> None:
    answer, points = post(sqlite_url, body, typed(content_type))
    assert (answer.status_code, points) == (200, 0)
    assert answer.content == body


def test_a_partial_success_tells_what_was_lost(sqlite_url: str) -> None:
    request = export(gauge("good", 1.0), gauge("b\u00e4d", float("nan"), 3.0, float("nan")))
    answer, points = post(sqlite_url, request.SerializeToString(), typed(PROTOBUF))
    assert (answer.status_code, points) == (200, 2)
    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_data_points == 2
    assert "invalid_value: metric b\u00e4d: the value is nan" in partial.error_message


def test_a_partial_success_in_json_is_told_again_to_a_retry(sqlite_url: str) -> None:
    request = export(gauge("good", 1.0), gauge("bad", float("nan")))
    answers: list[httpx.Response] = []

    async def test(client: httpx.AsyncClient) -> None:
        for _ in range(2):
            content = MessageToJson(request).encode()
            answers.append(await client.post(OTLP_PATH, content=content, headers=typed(JSON)))

    with routes(sqlite_url) as (inside, run):
        run(test)
        assert stored(inside) == 1
    first, second = answers
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    partial = first.json()["partialSuccess"]
    assert partial["rejectedDataPoints"] == "1"
    assert "quarantine" in partial["errorMessage"]


def told(answer: httpx.Response, status: int, code: int) -> str:
    """Assert that a failure has its form; returns the message."""
    assert answer.status_code == status
    if answer.headers["content-type"] == PROTOBUF:
        parsed = Status.FromString(answer.content)
        assert parsed.code == code
        return str(parsed.message)
    assert answer.headers["content-type"] == JSON
    content = answer.json()
    assert set(content) == {"code", "message"}
    assert content["code"] == code
    return str(content["message"])


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        (typed(PROTOBUF), b"\xff\xff", "no ExportMetricsServiceRequest"),
        (typed(PROTOBUF), TEXT, "no ExportMetricsServiceRequest"),
        (typed(JSON), BODY, "not JSON"),
        (typed(JSON), b"", "not JSON"),
        (typed(JSON), b"[]", "no object"),
        (typed(JSON), b'{"resourceMetrics": 1}', "no list"),
        (typed(JSON), b"[" * MEBIBYTE, "nested too deep"),
        (typed(JSON, content_encoding="gzip"), TEXT, "not valid gzip"),
        (typed(PROTOBUF, content_encoding="deflate"), BODY, "not valid deflate"),
        (typed(JSON, content_encoding="gzip"), gzip.compress(TEXT)[:-4], "ends in the middle"),
        (typed(JSON, content_encoding="deflate"), zlib.compress(TEXT) * 2, "more than 1 members"),
        (typed(JSON, content_encoding="zstd"), TEXT, "not supported"),
    ],
)
def test_what_is_no_request_is_answered_400(
    sqlite_url: str, headers: dict[str, str], body: bytes, said: str
) -> None:
    answer, points = post(sqlite_url, body, headers)
    assert said in told(answer, 400, 3)
    assert answer.headers["content-type"] == headers["content-type"]
    assert points == 0


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/grpc", "application/jsonx", ""]
)
def test_another_content_type_is_answered_415(sqlite_url: str, content_type: str) -> None:
    answer, points = post(sqlite_url, TEXT, typed(content_type))
    assert repr(content_type) in told(answer, 415, 3)
    assert points == 0


def test_a_body_beyond_the_limit_is_answered_413(sqlite_url: str) -> None:
    answer, _ = post(sqlite_url, bytes(20 * MEBIBYTE + 1), typed(PROTOBUF))
    assert "at most 20971520" in told(answer, 413, 3)
    bomb = gzip.compress(bytes(200 * MEBIBYTE))
    answer, _ = post(sqlite_url, bomb, typed(PROTOBUF, content_encoding="gzip"))
    assert "20971520 bytes" in told(answer, 413, 3)


def test_memory_that_is_short_is_answered_503(sqlite_url: str) -> None:
    answer, points = post(sqlite_url, BODY, typed(PROTOBUF), body_memory_bytes=10)
    assert "send again" in told(answer, 503, 14)
    assert int(answer.headers["retry-after"]) > 0
    assert points == 0


def test_a_database_that_is_closed_is_answered_503(sqlite_url: str) -> None:
    answers: list[httpx.Response] = []

    async def test(client: httpx.AsyncClient) -> None:
        answers.append(await client.post(OTLP_PATH, content=TEXT, headers=typed(JSON)))

    with routes(sqlite_url) as (inside, run):
        inside.store.close()
        run(test)
    assert told(answers[0], 503, 14)
    assert int(answers[0].headers["retry-after"]) > 0


KEYS = ("secret", "n\u00fcr, 'quoted'")
GOOD_KEYS = [
    {b"authorization": b"Bearer secret"},
    {b"authorization": b"bearer  secret "},
    {b"authorization": f"BEARER {KEYS[1]}".encode()},
    {b"x-amz-firehose-access-key": b"secret"},
    {b"authorization": b"Basic c2VjcmV0", b"x-amz-firehose-access-key": b"secret"},
    {b"authorization": b"Bearer secret", b"x-amz-firehose-access-key": b"wrong"},
]
BAD_KEYS = [
    {},
    {b"authorization": b""},
    {b"authorization": b"Bearer"},
    {b"authorization": b"Bearer "},
    {b"authorization": b"secret"},
    {b"authorization": b"Basic secret"},
    {b"authorization": b"Bearer wrong"},
    {b"authorization": b"Bearer secret, secret"},
    {b"x-amz-firehose-access-key": b""},
    {b"x-amz-firehose-access-key": b"Bearer secret"},
]


@pytest.mark.parametrize(
    ("headers", "status"),
    [*((headers, 200) for headers in GOOD_KEYS), *((headers, 401) for headers in BAD_KEYS)],
    ids=map(str, range(len(GOOD_KEYS) + len(BAD_KEYS))),
)
def test_a_key_is_a_bearer_token_or_firehoses_header(
    sqlite_url: str, headers: dict[bytes, bytes], status: int
) -> None:
    answers: list[httpx.Response] = []

    async def test(client: httpx.AsyncClient) -> None:
        sent = [*headers.items(), (b"content-type", JSON.encode())]
        answers.append(await client.post(OTLP_PATH, content=TEXT, headers=sent))

    with routes(sqlite_url, KEYS) as (inside, run):
        run(test)
        assert stored(inside) == (2 if status == 200 else 0)
    if status == 401:
        message = told(answers[0], 401, 16)
        assert "secret" not in message
        assert answers[0].headers["www-authenticate"] == "Bearer"
    assert answers[0].status_code == status


def test_without_configured_keys_everyone_may_send(sqlite_url: str) -> None:
    answer, points = post(sqlite_url, TEXT, typed(JSON, authorization="Bearer any"))
    assert (answer.status_code, points) == (200, 2)


def test_another_method_is_answered_405_as_a_status(sqlite_url: str) -> None:
    answers: list[httpx.Response] = []

    async def test(client: httpx.AsyncClient) -> None:
        answers.append(await client.get(OTLP_PATH))

    with routes(sqlite_url) as (_, run):
        run(test)
    told(answers[0], 405, 12)


def test_requests_are_counted_by_route_and_status(sqlite_url: str) -> None:
    def counted(status: str) -> float:
        labels = {"route": "otlp", "status": status}
        value = REGISTRY.get_sample_value("hydrant_delivery_requests_total", labels)
        return value or 0.0

    before = counted("200"), counted("415")
    post(sqlite_url, TEXT, typed(JSON))
    post(sqlite_url, TEXT, typed("text/plain"))
    assert (counted("200"), counted("415")) == (before[0] + 1, before[1] + 1)


def test_points_without_recorded_value_are_counted_and_not_rejected(sqlite_url: str) -> None:
    name = "hydrant_points_without_value_total"
    before = REGISTRY.get_sample_value(name) or 0.0
    document = json.loads(TEXT)
    metric = document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
    metric["gauge"]["dataPoints"][0] = {"timeUnixNano": "1727740860000000000", "flags": 1}
    answer, points = post(sqlite_url, json.dumps(document).encode(), typed(JSON))
    assert (answer.content, points) == (b"{}", 1)
    assert REGISTRY.get_sample_value(name) == before + 1
