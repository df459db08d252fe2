"""The quarantine once more: what can be decoded now is stored, the rest stays as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from app.backup import find_objects
from app.clock import ManualClock
from app.otlp import Encoding
from app.otlp.cloudwatch_json import decode_json_lines
from app.otlp.rejection import Losses, Reason
from app.pipeline import Release, ReleasedRow, Replay
from app.simulator import Format, Point, Series, encode_records
from app.storage import Connection, Store, Tier, expire
from app.storage.tables import quarantine
from tests.fixtures.backups import failed_record, write_object
from tests.fixtures.house import NOW_MS, House, house

MINUTE_MS = NOW_MS // 60_000 * 60_000


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, []) as made:
        yield made


@contextmanager
def releasing(database: str, reason: str | None = None) -> Iterator[Release]:
    store = Store(database, readers=1)
    try:
        yield Release(store, ManualClock(NOW_MS), reason)
    finally:
        store.close()


def release(database: str, reason: str | None = None) -> list[ReleasedRow]:
    with releasing(database, reason) as work:
        return list(work.release(work.rows()))


def point(table: str, minute: int = 0, total: float = 5.0) -> Point:
    series = Series(
        "1", "eu-west-1", "AWS/DynamoDB", "UserErrors", (("TableName", table),), "Count"
    )
    return Point(series, MINUTE_MS + minute * 60_000, 2, total, 0.0, total)


def lines(*points: Point) -> bytes:
    return b"".join(encode_records(points, Format.JSON))


def put(inside: House, data: bytes, reason: Reason | str, form: str = "json") -> None:
    """A row as a release left it that could not decode the bytes."""
    row = {
        "digest": (inside.rows("SELECT COUNT(*) FROM quarantine")[0][0]).to_bytes(16, "big"),  # type: ignore[attr-defined]
        "first_received_ms": 1,
        "last_received_ms": 3,
        "occurrences": 2,
        "request_id": "r",
        "record": 4,
        "format": form,
        "reason": str(reason),
        "detail": "d",
        "points": 1,
        "data": data,
    }
    inside.store.write(lambda c: c.execute(sa.insert(quarantine).values(row)))


LEFT = "SELECT reason, occurrences, first_received_ms, last_received_ms, data FROM quarantine"


def test_what_decodes_now_is_stored_and_gone(inside: House, database_url: str) -> None:
    inside.post([lines(point("before"))])
    otlp = encode_records([point("otlp")], Format.OPENTELEMETRY_1_0)[0]
    put(inside, lines(point("a"), point("b", -1)), Reason.LABELS)
    put(inside, otlp, Reason.PROTOBUF, "opentelemetry")
    put(inside, b"eyJ4IjogMX0=", Reason.BASE64, "unknown")
    put(inside, b"no record", Reason.NOT_METRICS, "unknown")
    put(inside, b"", Reason.FRAMING, "unknown")
    put(inside, failed_record(lines(point("failed"))).encode(), Reason.JSON, "unknown")
    inside.store.write(lambda c: c.exec_driver_sql("DELETE FROM dirty_minute"))
    done = release(database_url)
    assert [(row.points, row.left) for row in done] == [
        (2, 0),
        (1, 0),
        (0, 1),
        (0, 1),
        (0, 0),
        (1, 0),
    ]
    tables = inside.rows("SELECT dimensions FROM v_points")
    assert tables == [
        (f'{{"TableName":"{name}"}}',) for name in ("a", "b", "before", "failed", "otlp")
    ]
    # What still fails is as it was, to its occurrences.
    assert inside.rows(LEFT) == [
        ("invalid_base64", 2, 1, 3, b"eyJ4IjogMX0="),
        ("not_metrics", 2, 1, 3, b"no record"),
    ]
    marked = inside.rows("SELECT DISTINCT minute FROM dirty_minute")
    assert marked == [(MINUTE_MS // 60_000 - 1,), (MINUTE_MS // 60_000,)]
    assert [row.left for row in release(database_url)] == [1, 1]


def test_of_bytes_that_decode_in_part_the_rest_is_kept(inside: House, database_url: str) -> None:
    broken = lines(point("broken")).replace(b'"sum"', b'"sun"')
    put(inside, lines(point("good")) + broken, Reason.LABELS)
    (done,) = release(database_url)
    assert (done.points, done.left) == (1, 1)
    assert inside.rows(LEFT) == [("invalid_value", 2, 1, 3, broken.rstrip(b"\n"))]
    assert len(inside.rows("SELECT * FROM v_points")) == 1
    # The same bytes that are quarantined again meet their row.
    inside.post([broken])
    ((_, occurrences, first, last, _),) = inside.rows(LEFT)
    assert (occurrences, first, last) == (3, 1, NOW_MS)


def test_good_points_beside_bad_ones_have_been_stored_before(
    inside: House, database_url: str
) -> None:
    """A body in JSON is quarantined as a whole; its good points are neither lost nor doubled."""
    body = (
        b'{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints":'
        b' [{"timeUnixNano": "%d", "asDouble": 1.5}, {"timeUnixNano": "x"}]}}]}]}]}'
    ) % (MINUTE_MS * 1_000_000)
    receipt = inside.ingest.store(inside.ingest.open_export(body, Encoding.JSON))
    assert (receipt.points, len(receipt.rejections)) == (1, 1)
    before = inside.rows(LEFT), inside.rows("SELECT * FROM v_points")
    (done,) = release(database_url)
    assert done.left == 1
    assert (inside.rows(LEFT), inside.rows("SELECT * FROM v_points")) == before


def test_base64_that_is_accepted_now(inside: House, database_url: str) -> None:
    import pybase64

    put(inside, pybase64.b64encode(lines(point("a"))), Reason.BASE64, "unknown")
    assert [(row.points, row.left) for row in release(database_url)] == [(1, 0)]
    assert inside.rows(LEFT) == []


def test_a_restated_point_stands_against_the_quarantined_one(
    inside: House, database_url: str
) -> None:
    inside.post([lines(point("a", total=9.0)).replace(b'"count":2', b'"count":3')])
    before = inside.rows("SELECT * FROM v_points")
    put(inside, lines(point("a", total=5.0)), Reason.VALUE)
    assert [row.points for row in release(database_url)] == [1]
    assert inside.rows("SELECT * FROM v_points") == before


def test_only_faults_of_decoding_are_released_unless_named(
    inside: House, database_url: str
) -> None:
    """What was refused for who sent it must not slip in by being readable."""
    put(inside, lines(point("foreign")), "foreign_account")
    put(inside, lines(point("a")), Reason.LABELS)
    put(inside, lines(point("b")), Reason.VALUE)
    assert len(release(database_url, "invalid_value")) == 1
    assert inside.rows("SELECT dimensions FROM v_points") == [('{"TableName":"b"}',)]
    assert len(release(database_url)) == 1
    assert inside.rows("SELECT reason FROM quarantine") == [("foreign_account",)]
    assert len(release(database_url, "foreign_account")) == 1
    assert len(inside.rows("SELECT * FROM v_points")) == 3


def test_points_of_minutes_that_are_gone_are_counted(inside: House, database_url: str) -> None:
    put(inside, lines(point("a", -2 * 1440), point("a")), Reason.LABELS)
    inside.store.write(lambda c: expire(c, {Tier.MINUTE: MINUTE_MS // 60_000 - 1440}))
    (done,) = release(database_url)
    assert (done.points, done.expired, done.left) == (1, 1, 0)
    assert inside.rows(LEFT) == []


def test_storing_and_removing_are_one_transaction(
    inside: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inside, lines(point("a")), Reason.LABELS)
    before = inside.rows(LEFT)

    def fail(connection: Connection, *_: object) -> None:
        assert connection.execute(sa.text("SELECT COUNT(*) FROM v_points")).scalar_one() == 1
        raise RuntimeError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr("app.storage.released.add_to_quarantine", lambda c, *_, **__: fail(c))
        with pytest.raises(RuntimeError, match="killed here"):
            release(database_url)
    assert inside.rows("SELECT COUNT(*) FROM v_points") == [(0,)]
    assert inside.rows(LEFT) == before


def test_two_releases_at_once_do_the_work_once(inside: House, database_url: str) -> None:
    for number in range(4):
        put(inside, lines(point(f"t{number}")), Reason.LABELS)
    with releasing(database_url) as one, releasing(database_url) as other:
        both = one.rows(), other.rows()
        mine = one.release(both[0])
        yours = other.release(both[1])
        done = [next(mine), next(yours), *mine, *yours]
    assert sum(row.points for row in done) == 4
    assert len(inside.rows("SELECT * FROM v_points")) == 4


def test_what_a_release_before_could_not_read(
    inside: House, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Delivered and replayed to a release that knows no JSON, then read by this one."""

    def refuse(record: bytes, _keys: object, _into: object, losses: Losses) -> None:
        losses.add(losses_format, Reason.NOT_METRICS, "an older release", record)

    from app.otlp import Format as WireFormat

    losses_format = WireFormat.UNKNOWN
    with monkeypatch.context() as patched:
        patched.setattr("app.otlp.record.decode_json_lines", refuse)
        inside.post([lines(point("a"), point("b"))])
        path = write_object(tmp_path, "o", lines(point("c")))  # type: ignore[arg-type]
        store = Store(database_url, readers=1)
        (each,) = find_objects([str(path)])
        list(Replay(store, ManualClock(NOW_MS)).replay(each))
        store.close()
    assert decode_json_lines is not refuse
    assert inside.rows("SELECT COUNT(*) FROM v_points") == [(0,)]
    assert [row.points for row in release(database_url)] == [2, 1]
    assert inside.rows(LEFT) == []
