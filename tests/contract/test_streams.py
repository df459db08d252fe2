"""Statistics of streams in both databases, and what HTTP answers of them."""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.pipeline import Maintenance, Retention, StreamStatistics
from app.pipeline.stream_metrics import STREAM_METRICS
from app.pipeline.streams import StreamReport
from app.simulator import Format, Point, Series, encode_records
from app.storage import (
    Connection,
    Store,
    Tier,
    add_to_streams,
    announce,
    read_refused,
    read_streams,
)
from app.storage.streams import try_lock_streams
from app.streams import (
    OTHER_STREAM,
    Aspect,
    Kind,
    Limits,
    Part,
    Refusals,
    RefusedKey,
    StreamCounts,
    StreamKey,
    WarningId,
    Window,
    merge_into,
)
from app.telemetry import exposition
from tests.fixtures.exports import routes
from tests.fixtures.house import NOW_MS, House, envelope, house

MINUTE_MS = 60_000
ACCOUNT, REGION = "111111111111", "eu-west-1"
FIREHOSE = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/hydrant"
ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:metric-stream/hydrant-simulated"
KEY = StreamKey(ACCOUNT, REGION, ARN)
TABLE = Series(ACCOUNT, REGION, "AWS/DynamoDB", "Reads", (("TableName", "t"),), "Count")
BARE = replace(TABLE, metric="UserErrors", dimensions=())


class Sender:
    """A Firehose that sends what a minute brings, as a clock is moved."""

    def __init__(self, inside: House) -> None:
        self._inside = inside
        self._number = 0

    def records(
        self, format_: Format, series: Sequence[Series] = (TABLE, BARE), stream: str = ""
    ) -> list[bytes]:
        start_ms = self._inside.clock.now_ms() // MINUTE_MS * MINUTE_MS - 3 * MINUTE_MS
        points = [Point(each, start_ms, 1, 2.0, 2.0, 2.0) for each in series]
        name = stream or "hydrant-simulated"
        return encode_records(points, format_, stream_account=ACCOUNT, stream_name=name)

    def send(self, format_: Format, series: Sequence[Series] = (TABLE, BARE)) -> None:
        self._number += 1
        self._inside.post(self.records(format_, series), str(self._number), FIREHOSE)

    def flow(self, minutes: int, format_: Format, series: Sequence[Series] = (TABLE, BARE)) -> None:
        for _ in range(minutes):
            self.send(format_, series)
            self._inside.clock.advance(60)


def stored(store: Store) -> dict[StreamKey, StreamCounts]:
    with store.read() as connection:
        return read_streams(connection)


def drawn(seed: int) -> StreamCounts:
    """Counts of a request or so, at some time around now."""
    draw = random.Random(seed)
    at = NOW_MS + draw.randrange(-5, 5) * 40 * MINUTE_MS

    def number() -> int:
        return draw.randrange(1, 1000)

    return StreamCounts(
        draw.choice([KEY, KEY._replace(account="ü'2"), StreamKey("", "", "")]),
        draw.choice([FIREHOSE, ""]),
        at,
        at + number(),
        draw.choice([0, at]),
        draw.choice([0, at - number()]),
        draw.choice([0, at - number()]),
        points=number(),
        requests=number(),
        duplicates=number(),
        records=number(),
        rejected_records=number(),
        request_bytes=number(),
        last_request_bytes=number(),
        largest_request_bytes=number(),
        parts={
            (draw.choice(list(Aspect)), draw.choice("ab")): Part(at, at + number(), number())
            for _ in range(2)
        },
        windows={
            at // 600_000 * 600_000: Window(draw.randrange(1024), *(number() for _ in range(5)))
        },
    )


def test_what_processes_add_is_the_same_in_any_order_and_place(database_url: str) -> None:
    with ExitStack() as stack:
        stores = [stack.enter_context(house(database_url)).store for _ in range(2)]
        everything = [drawn(seed) for seed in range(60)]
        expected: dict[StreamKey, StreamCounts] = {}
        merge_into(expected, everything, most=100, other=OTHER_STREAM)
        random.Random(1).shuffle(everything)
        for turn, start in enumerate(range(0, 60, 5)):
            gathered: dict[StreamKey, StreamCounts] = {}
            merge_into(gathered, everything[start : start + 5], most=100, other=OTHER_STREAM)
            store = stores[turn % 2]
            assert store.write(
                lambda c, g=gathered: add_to_streams(c, g.values(), Refusals())  # type: ignore[misc]
            )
        found = stored(stores[0])
        assert found.keys() == expected.keys()
        for key, counts in expected.items():
            # Of two requests at one instant, which one is the last is anybody's guess.
            counts.source = found[key].source
            counts.last_request_bytes = found[key].last_request_bytes
            for name, part in counts.parts.items():
                # Runs depend on what was known when; the rest does not.
                part.since_ms = found[key].parts[name].since_ms
            assert found[key] == counts


def test_rows_merge_as_memory_does(database_url: str) -> None:
    with house(database_url) as inside:
        expected: dict[StreamKey, StreamCounts] = {}
        for seed in range(60):
            one = drawn(seed)
            merge_into(expected, [one], most=100, other=OTHER_STREAM)
            inside.store.write(
                lambda c, one=one: add_to_streams(c, [one], Refusals())  # type: ignore[misc]
            )
        assert stored(inside.store) == expected


def test_another_process_adds_on_after_a_restart(database_url: str) -> None:
    for turn in (1, 2):
        with house(database_url) as inside:
            inside.clock.advance(turn * 60)
            sender = Sender(inside)
            inside.post(sender.records(Format.JSON), f"turn {turn}", FIREHOSE)
            assert inside.streams.report().streams[0].points == 2 * turn
            assert inside.streams.flush()
            (counts,) = stored(inside.store).values()
            assert (counts.key, counts.points, counts.requests) == (KEY, 2 * turn, turn)
            # What has been flushed is not counted again.
            assert inside.streams.flush()
            assert inside.streams.report().streams == [counts]


def test_a_flush_waits_for_nobody_and_loses_nothing(postgresql_url: str) -> None:
    with house(postgresql_url) as inside, house(postgresql_url) as other:
        Sender(inside).send(Format.JSON)
        seen: list[bool] = []

        def hold(connection: Connection) -> None:
            assert try_lock_streams(connection)
            seen.append(inside.streams.flush())

        other.store.write(hold)
        assert seen == [False]
        assert stored(inside.store) == {}
        assert inside.streams.report().streams[0].points == 2
        assert inside.streams.flush()
        assert stored(inside.store)[KEY].points == 2


def test_a_failed_flush_is_tried_again(database_url: str) -> None:
    with house(database_url) as inside:
        Sender(inside).send(Format.JSON)
        inside.store.write(lambda c: c.exec_driver_sql("ALTER TABLE stream RENAME points TO mine"))
        with pytest.raises(Exception, match="points"):
            inside.streams.flush()
        Sender(inside).send(Format.OPENTELEMETRY_1_0)
        inside.store.write(lambda c: c.exec_driver_sql("ALTER TABLE stream RENAME mine TO points"))
        assert inside.streams.flush()
        assert stored(inside.store)[KEY].points == 4


def test_refused_keys_are_bounded_over_processes(database_url: str) -> None:
    with house(database_url) as inside, house(database_url) as other:
        for turn, each in enumerate((inside, other)):
            for number in range(80):
                source = FIREHOSE + str(100 * turn + number)
                each.streams.refused("firehose", source, "52.1.2.3", "wrong")
            assert each.streams.flush()
        with inside.store.read() as connection:
            found = read_refused(connection)
        assert len(found) == 101
        assert sum(part.occurrences for part in found.values()) == 160
        assert found[RefusedKey("other", "other", "other", "other")].occurrences == 60
        assert RefusedKey("firehose", FIREHOSE + "0", "public", "wrong") in found
        inside.streams.refused("firehose", "' OR 1=1 --", "not an address", "missing")
        inside.streams.refused("firehose", FIREHOSE + "-new", "52.1.2.3", "wrong")
        reported = inside.streams.report()
        assert reported.refused[RefusedKey("other", "other", "other", "other")].occurrences == 61
        # What looks like a scan stays one.
        scan = RefusedKey("firehose", "", "unknown", "missing")
        assert reported.refused[scan].occurrences == 1
        assert "other" in {warning.subject for warning in reported.warnings}


def test_invented_streams_and_names_are_bounded_over_flushes(database_url: str) -> None:
    none = Refusals()
    with house(database_url) as inside:

        def add(*counts: StreamCounts) -> None:
            inside.store.write(lambda c: add_to_streams(c, counts, none, most=5, most_parts=10))

        for turn in range(4):
            of_turn = [drawn(9 * turn + number) for number in range(3)]
            for number, counts in enumerate(of_turn):
                counts.key = KEY._replace(stream=f"{turn}-{number}")
                counts.points = 7
            add(*of_turn)
        found = stored(inside.store)
        assert len(found) == 6
        assert found[OTHER_STREAM].points == 7 * 7
        # Those that are there are still counted for themselves.
        first, again = KEY._replace(stream="0-0"), drawn(1)
        again.key, again.points = first, 5
        add(again)
        assert stored(inside.store)[first].points == 12

        for turn in range(4):
            counts = drawn(turn)
            counts.key = first
            counts.parts = {
                (Aspect.NAMESPACE, f"{turn}-{number}"): Part(NOW_MS, NOW_MS, 1)
                for number in range(8)
            }
            counts.parts[Aspect.NAMESPACE, "0-0"] = Part(NOW_MS, NOW_MS, 1)
            add(counts)
        parts = stored(inside.store)[first].of(Aspect.NAMESPACE)
        assert len(parts) < 10 + 9
        assert parts["0-0"].occurrences == 4


def test_one_of_several_processes_logs_a_warning(database_url: str) -> None:
    with house(database_url) as inside, house(database_url) as other:
        sender = Sender(inside)
        sender.flow(30, Format.JSON)
        other.clock.advance(30 * 60)
        inside.streams.flush()
        for each in (inside, other):
            each.clock.advance(11 * 60)
        with capture_logs() as logs:
            for each in (inside, other, inside, other):
                each.streams.run_once()
        assert [(line["event"], line.get("kind")) for line in logs] == [
            ("stream warning", "stopped")
        ]
        assert logs[0]["stream"] == ARN
        assert "no point has come since" in logs[0]["message"]
        sender.send(Format.JSON)
        inside.streams.flush()
        with capture_logs() as logs:
            for each in (other, inside, other):
                each.streams.run_once()
        assert [(line["event"], line.get("kind")) for line in logs] == [
            ("stream warning is over", "stopped")
        ]


def test_of_two_processes_that_see_the_same_one_announces(database_url: str) -> None:
    warnings = [WarningId(kind, KEY, "") for kind in (Kind.STOPPED, Kind.LAGGING)]
    with house(database_url) as inside, house(database_url) as other:
        told = [
            each.store.write(lambda c, n=n: announce(c, warnings[:n], [], NOW_MS))  # type: ignore[misc]
            for n, each in ((1, inside), (2, other), (2, inside))
        ]
        assert told == [(warnings[:1], []), (warnings[1:], []), ([], [])]
        over = [
            each.store.write(lambda c: announce(c, [], warnings, NOW_MS))
            for each in (other, inside)
        ]
        assert over == [([], warnings), ([], [])]


def test_silent_streams_are_forgotten_with_their_minutes(database_url: str) -> None:
    with house(database_url) as inside:
        sender = Sender(inside)
        sender.flow(2, Format.JSON)
        inside.clock.advance(5 * 3600)
        sender.send(Format.JSON)
        inside.streams.flush()
        retention = Retention(48, 0, {Tier.MINUTE: 15})
        maintenance = Maintenance(inside.store, inside.clock, inside.lease, retention)
        assert maintenance.run_once()["stream"] == 0
        # Windows only as far back as the usual interval is made of.
        assert len(stored(inside.store)[KEY].windows) == 1
        inside.clock.advance(15 * 86_400 + 1)
        assert maintenance.run_once()["stream"] == 1
        assert stored(inside.store) == {}
        for table in ("stream", "stream_part", "stream_window"):
            assert inside.rows(f"SELECT * FROM {table}") == []


@pytest.fixture
def served(sqlite_url: str) -> Iterator["Served"]:
    """All routes over SQLite, with a clock that stands still."""
    with routes(sqlite_url, ["token"]) as (inside, run):
        yield Served(inside, run)


class Served:
    """What a Firehose sends over HTTP, and what is answered."""

    def __init__(self, inside: House, run: object) -> None:
        self.inside = inside
        self.sender = Sender(inside)
        self._run = run
        self._number = 0

    def post(
        self, records: Sequence[bytes], key: str | None = "token", number: int | None = None
    ) -> int:
        self._number += 1
        name = str(number or self._number)
        headers = {"X-Amz-Firehose-Request-Id": name, "X-Amz-Firehose-Source-Arn": FIREHOSE}
        if key is not None:
            headers["X-Amz-Firehose-Access-Key"] = key
        return self._answer(
            "POST", "/aws/firehose/metrics", content=envelope(records, name), headers=headers
        ).status_code

    def flow(self, minutes: int, format_: Format, series: Sequence[Series] = (TABLE, BARE)) -> None:
        for _ in range(minutes):
            assert self.post(self.sender.records(format_, series)) == 200
            self.inside.clock.advance(60)

    def get(self, path: str) -> httpx.Response:
        return self._answer("GET", path)

    def streams(self, query: str = "") -> Any:  # noqa: ANN401 - parsed JSON
        answer = self.get(f"/api/v1/streams{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def kinds(self) -> list[object]:
        return [warning["kind"] for warning in self.streams()["warnings"]]

    def _answer(self, method: str, path: str, **more: object) -> httpx.Response:
        found: list[httpx.Response] = []

        async def ask(client: httpx.AsyncClient) -> None:
            found.append(await client.request(method, path, **more))  # type: ignore[arg-type]

        self._run(ask)  # type: ignore[operator]
        return found[0]


@pytest.mark.parametrize("format_", Format)
def test_a_stream_of_any_format_that_stops_is_told(served: Served, format_: Format) -> None:
    served.flow(6, format_)
    (stream,) = served.streams()["streams"]
    now_ms = served.inside.clock.now_ms()
    last_ms = now_ms - MINUTE_MS
    assert (stream["account"], stream["region"], stream["stream"]) == KEY
    assert (stream["name"], stream["source"]) == ("hydrant-simulated", FIREHOSE)
    assert (stream["first_seen"], stream["last_received"]) == (NOW_MS, last_ms)
    assert stream["last_point"] == last_ms // MINUTE_MS * MINUTE_MS - 3 * MINUTE_MS
    assert stream["lag_seconds"] == stream["max_lag_seconds"] == (120_000 + last_ms % 60_000) / 1000
    assert (stream["points"], stream["points_per_minute"]) == (12, 2.0)
    assert (stream["requests"], stream["records"], stream["format"]) == (6, 6, format_.value)
    assert stream["usual_interval_seconds"] == 60.0
    assert stream["warnings"] == []
    served.inside.clock.advance(10 * 60)
    (stream,) = served.streams()["streams"]
    (warning,) = stream["warnings"]
    assert (warning["kind"], warning["since"]) == ("stopped", last_ms)
    served.flow(1, format_)
    assert served.kinds() == []


def test_a_stream_that_switches_its_format_stays_one_stream(served: Served) -> None:
    for format_ in Format:
        served.flow(3, format_)
    (stream,) = served.streams()["streams"]
    assert stream["format"] == "opentelemetry1.0"
    assert list(stream["formats"]) == ["json", "opentelemetry0.7", "opentelemetry1.0"]
    assert served.kinds() == ["format_switched"]
    served.flow(62, Format.OPENTELEMETRY_1_0)
    assert served.kinds() == []


def test_a_stream_that_loses_its_labels_is_told(served: Served) -> None:
    served.flow(40, Format.OPENTELEMETRY_1_0)
    served.flow(31, Format.OPENTELEMETRY_1_0, series=(BARE,))
    assert served.kinds() == ["labels_lost"]
    served.flow(1, Format.OPENTELEMETRY_1_0)
    assert served.kinds() == []
    (record,) = served.sender.records(Format.OPENTELEMETRY_0_7)
    assert served.post([record.replace(b"\x0a\x09Namespace", b"\x0a\x09namespace")]) == 200
    assert "labels_lost" in served.kinds()


def test_duplicates_rejections_and_refused_keys_are_counted(served: Served) -> None:
    records = served.sender.records(Format.JSON)
    assert served.post([*records, b"neither"], number=1) == 200
    assert served.post([*records, b"neither"], number=1) == 200
    assert served.post(records, key="secret wrong key") == 401
    assert served.post(records, key=None) == 401
    answer = served.streams()
    (stream,) = answer["streams"]
    assert (stream["requests"], stream["duplicates"], stream["points"]) == (2, 1, 2)
    assert (stream["records"], stream["rejected_records"]) == (4, 1)
    assert stream["rejections"] == {"not_metrics": {"since": NOW_MS, "last": NOW_MS, "count": 1}}
    size = len(envelope([*records, b"neither"], "1"))
    assert stream["request_bytes"] == {"last": size, "max": size, "average": size}
    assert stream["refused_requests"] == 2
    assert [(r["source"], r["reason"], r["count"]) for r in answer["refused_requests"]] == [
        (FIREHOSE, "missing", 1),
        (FIREHOSE, "wrong", 1),
    ]
    assert sorted(map(str, served.kinds())) == ["key_refused", "records_rejected"]
    assert "secret" not in str(answer)
    served.inside.streams.flush()
    assert served.streams() == answer
    kept = [served.inside.rows(f"SELECT * FROM {name}") for name in ("refused_key", "stream_part")]
    assert "secret" not in str(kept)


def test_two_streams_of_one_account_are_told_apart(served: Served) -> None:
    # That they share a metric is seen when the second one comes, and counted from then on.
    for stream in ("a", "b", "a"):
        assert served.post(served.sender.records(Format.OPENTELEMETRY_1_0, stream=stream)) == 200
    answer = served.streams()
    assert [stream["name"] for stream in answer["streams"]] == ["a", "b"]
    assert served.kinds() == ["delivered_twice", "delivered_twice"]


def test_the_route_filters_and_limits(served: Served) -> None:
    elsewhere = replace(TABLE, account="222222222222", region="us-east-1")
    served.post(served.sender.records(Format.JSON, series=(TABLE, elsewhere)))
    for query, accounts in (
        ("?account=222222222222", ["222222222222"]),
        ("?region=eu-west-1", [ACCOUNT]),
        ("?region=eu-west-1&account=222222222222", []),
        ("", [ACCOUNT, "222222222222"]),
    ):
        for _ in range(2):
            # Before and after the flush.
            found = served.streams(query)
            assert [stream["account"] for stream in found["streams"]] == accounts
            served.inside.streams.flush()
    assert len(served.streams("?limit=1")["streams"]) == 1
    assert served.streams("?limit=1")["total"] == 2
    assert served.get("/api/v1/streams?limit=0").status_code == 400
    assert served.get("/api/v1/streams?acount=1").status_code == 400


def test_streams_are_metrics_of_a_bounded_number(served: Served) -> None:
    for start in range(0, 510, 255):
        many = [replace(TABLE, account=f"{n:012}") for n in range(start, start + 255)]
        served.post(served.sender.records(Format.JSON, series=many))
        served.inside.clock.advance(60)
    served.inside.streams.flush()
    served.inside.clock.advance(3600)
    try:
        served.inside.streams.run_once()
        lines = served.get("/metrics").text.splitlines()
    finally:
        STREAM_METRICS.show((), ())
    assert 'hydrant_stream_warnings{kind="stopped"} 510.0' in lines
    assert 'hydrant_stream_warnings{kind="lagging"} 0.0' in lines
    points = [line for line in lines if line.startswith("hydrant_stream_points_total{")]
    assert len(points) == 501
    other = 'account="other",region="other",stream="other"'
    assert f"hydrant_stream_points_total{{{other}}} 10.0" in points
    first = f'account="000000000000",region="{REGION}",stream="{ARN}"'
    assert f"hydrant_stream_points_total{{{first}}} 1.0" in points
    lag = (2 * MINUTE_MS + NOW_MS % MINUTE_MS) / 1000
    assert f"hydrant_stream_lag_seconds{{{first}}} {lag}" in lines
    start = (NOW_MS // MINUTE_MS - 3) * 60
    # As a number: how it is written is the library's matter.
    (last,) = [
        line
        for line in lines
        if line.startswith(f"hydrant_stream_last_point_timestamp_seconds{{{first}")
    ]
    assert float(last.rpartition(" ")[2]) == start


def test_the_kinds_are_there_without_any_stream() -> None:
    text = exposition().decode()
    for kind in Kind:
        assert f'hydrant_stream_warnings{{kind="{kind.value}"}} 0.0' in text


def test_a_fault_of_ours_in_counting_costs_no_delivery(sqlite_url: str) -> None:
    with house(sqlite_url) as inside:
        inside.streams._newest_end_ms = None  # type: ignore[assignment]
        with capture_logs() as logs:
            Sender(inside).send(Format.JSON)
        assert [line["event"] for line in logs] == ["statistics of a request were not counted"]
        assert len(inside.rows("SELECT * FROM v_points")) == 2


def test_the_worker_flushes_at_its_end(sqlite_url: str) -> None:
    with house(sqlite_url) as inside:
        streams = StreamStatistics(inside.store, inside.clock, Limits())
        streams.start()
        streams.refused("otlp", "", "127.0.0.1", "wrong")
        streams.stop()
        report: StreamReport = inside.streams.report()
        assert list(report.refused) == [RefusedKey("otlp", "", "loopback", "wrong")]
        assert [warning.kind for warning in report.warnings] == [Kind.KEY_REFUSED]
