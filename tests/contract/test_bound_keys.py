"""Access keys that are bound to accounts: what is theirs is stored, the rest is in quarantine."""

import json

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from structlog.testing import capture_logs

from app.credentials import AccessKey, KeyHolder
from app.otlp import Encoding
from app.pipeline.ingest import Receipt
from app.simulator import Format, Point, Series, encode_records
from app.telemetry import REGISTRY
from tests.fixtures.exports import OTLP_PATH, export, gauge, routes
from tests.fixtures.house import NOW_MS, House, envelope, house

OURS, OURS_TOO, THEIRS = "111122223333", "012345678901", "444455556666"
HOLDER = KeyHolder("team-a", frozenset({OURS, OURS_TOO}))
ANOTHER = KeyHolder("team-b", frozenset({THEIRS}))
MINUTE_MS = NOW_MS - NOW_MS % 60_000 - 300_000
STORED = "SELECT account, metric, minute, sum FROM v_points"


def points(*accounts: str, minutes: int = 3) -> list[Point]:
    """Points of two metrics of each account, with a percentile, the accounts taking turns."""
    return [
        Point(
            Series(account, "eu-west-1", "AWS/DynamoDB", metric, (("TableName", "t"),), "Count"),
            MINUTE_MS + 60_000 * minute,
            2,
            3.5 + minute,
            1.0,
            2.5,
            (("p99", 2.25),),
        )
        for minute in range(minutes)
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
        for account in accounts
    ]


def records(wire: Format, *accounts: str, minutes: int = 3) -> list[bytes]:
    # The stream is owned by a monitoring account, which says nothing about the points.
    return encode_records(
        points(*accounts, minutes=minutes),
        wire,
        max_record_bytes=1 << 20,
        stream_name="s",
        stream_account=THEIRS,
    )


def post(inside: House, body: bytes, holder: KeyHolder, request_id: str = "r") -> Receipt:
    return inside.ingest.store(inside.ingest.open(request_id, body, holder))


def foreign(key: str) -> float:
    return REGISTRY.get_sample_value("hydrant_foreign_account_points_total", {"key": key}) or 0.0


@pytest.mark.parametrize("wire", list(Format))
def test_points_of_other_accounts_are_kept_apart_to_the_point(
    sqlite_url: str, wire: Format
) -> None:
    before = foreign("team-a")
    mixed = records(wire, OURS, THEIRS, OURS_TOO)
    body = envelope([*mixed, b"", *records(wire, THEIRS, minutes=2)])
    with house(sqlite_url, []) as inside:
        receipt = post(inside, body, HOLDER)
        assert receipt.points == 12
        rows = inside.rows(STORED)
        assert len(rows) == 12
        assert {row[0] for row in rows} == {OURS, OURS_TOO}
        kept = inside.rows("SELECT record, reason, points, request_id FROM quarantine")
        assert kept == [(0, "foreign_account", 6, "r"), (2, "foreign_account", 4, "r")]
        assert foreign("team-a") == before + 10
        # The series of other accounts are not even registered.
        assert inside.rows("SELECT DISTINCT account FROM series") == [(OURS_TOO,), (OURS,)]
        # What is kept is exactly what is missing: whoever may deliver it can send it again.
        saved = [bytes(row[0]) for row in inside.rows("SELECT data FROM quarantine")]  # type: ignore[call-overload]
        assert post(inside, envelope(saved), ANOTHER, "again").rejections == ()
        by_bound_keys = inside.rows(STORED), inside.rows("SELECT count(*) FROM v_extra_statistics")
    with house(sqlite_url, []) as inside:
        post(inside, body, KeyHolder("any"), "all at once")
        assert (inside.rows(STORED), inside.rows("SELECT count(*) FROM v_extra_statistics")) == (
            by_bound_keys
        )


def test_a_delivery_is_another_one_under_other_accounts(sqlite_url: str) -> None:
    body = envelope(records(Format.OPENTELEMETRY_1_0, OURS, THEIRS))
    with house(sqlite_url, []) as inside:
        assert not post(inside, body, HOLDER).duplicate
        # A retry after a rotation: another key, the same accounts.
        assert post(inside, body, KeyHolder("rotated", HOLDER.accounts)).duplicate
        assert len(inside.rows(STORED)) == 6
        # The accounts of the key have been put right; Firehose sends the same request again.
        widened = KeyHolder("team-a", frozenset({OURS, THEIRS}))
        assert not post(inside, body, widened).duplicate
        assert len(inside.rows(STORED)) == 12


def test_the_log_tells_it_once_a_minute_for_each_key(sqlite_url: str) -> None:
    with house(sqlite_url, []) as inside, capture_logs() as logs:
        for number in range(3):
            post(inside, envelope(records(Format.JSON, OURS)), ANOTHER, f"a{number}")
            post(inside, envelope(records(Format.JSON, THEIRS)), HOLDER, f"b{number}")
            inside.clock.advance(29)
    told = [line for line in logs if "not bound" in line["event"]]
    assert [line["key"] for line in told] == ["team-b", "team-a"]
    assert told[0]["points"] == 6
    assert told[0]["first"] == f"the access key may not deliver for account {OURS}"
    with house(sqlite_url, []) as inside, capture_logs() as logs:
        for number in range(3):
            post(inside, envelope(records(Format.JSON, OURS)), ANOTHER, f"c{number}")
            inside.clock.advance(60)
    assert len([line for line in logs if "not bound" in line["event"]]) == 3


@pytest.mark.parametrize("encoding", list(Encoding))
def test_exports_are_bound_by_their_resources(sqlite_url: str, encoding: Encoding) -> None:
    request = export(gauge("ours", 1.0, 2.0), cloud__account__id=OURS)
    for other in ({"cloud__account__id": THEIRS}, {"service__name": "of no account"}):
        request.MergeFrom(export(gauge("theirs", 3.0), **other))
    content = request.SerializeToString()
    if encoding is Encoding.JSON:
        resources = [
            {
                "resource": {"attributes": [attribute] if attribute else []},
                "scopeMetrics": [{"metrics": [{"name": name, "gauge": {"dataPoints": numbers}}]}],
            }
            for name, attribute, numbers in (
                ("ours", _attribute(OURS), _numbers(1.0, 2.0)),
                ("theirs", _attribute(THEIRS), _numbers(3.0)),
                ("theirs", None, _numbers(3.0)),
            )
        ]
        content = json.dumps({"resourceMetrics": resources}).encode()
    answers: list[httpx.Response] = []

    async def test(client: httpx.AsyncClient) -> None:
        for key in ("bound", "plain"):
            headers = {"authorization": f"Bearer {key}", "content-type": encoding.value}
            answers.append(await client.post(OTLP_PATH, content=content, headers=headers))

    keys: list[AccessKey | str] = [AccessKey("bound", HOLDER), "plain"]
    with routes(sqlite_url, keys) as (inside, run):
        run(test)
        assert [row[0] for row in inside.rows("SELECT sum FROM v_points")] == [1.0, 2.0, 3.0, 3.0]
        assert inside.rows("SELECT reason, points FROM quarantine") == [("foreign_account", 2)]
    bound, plain = answers
    assert (bound.status_code, plain.status_code) == (200, 200)
    if encoding is Encoding.JSON:
        partial = bound.json()["partialSuccess"]
        assert partial["rejectedDataPoints"] == "2"
        assert f"may not deliver for account {THEIRS}" in partial["errorMessage"]
        assert plain.json() == {}
    else:
        told = ExportMetricsServiceResponse.FromString(bound.content).partial_success
        assert told.rejected_data_points == 2
        assert plain.content == b""


def _attribute(account: str) -> dict[str, object]:
    return {"key": "cloud.account.id", "value": {"stringValue": account}}


def _numbers(*values: float) -> list[dict[str, object]]:
    return [
        {"timeUnixNano": str((NOW_MS + n) * 1_000_000), "asDouble": value}
        for n, value in enumerate(values)
    ]
