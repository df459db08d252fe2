"""Replays beside deliveries: the same data however it came, on both engines."""

import gzip
import random
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.backup import UnreadableObject, find_objects, pieces
from app.clock import ManualClock
from app.errors import StorageUnavailable
from app.pipeline import DryRun, Replay, ReplayedPiece
from app.rules.files import parse_rule_file
from app.simulator import AccountModel, Format, Point, encode_records
from app.storage import Store, Tier, expire
from tests.fixtures import house as houses
from tests.fixtures.backups import failed_object, write_object
from tests.fixtures.house import NOW_MS, House, await_writes

MINUTE_MS = NOW_MS // 60_000 * 60_000
MODEL = AccountModel(7, tables=2)
RULES = parse_rule_file(
    """
metricPrefix: t
filter: "{ tags -> tags.Namespace == 'AWS/DynamoDB' && tags.TableName }"
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
  - {name: sum, exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum}
  - {name: latency, exp: amazonaws_com_AWS_DynamoDB_SuccessfulRequestLatency_avg}
""",
    "t.yaml",
)


def house(database: str) -> AbstractContextManager[House]:
    """A house with few rules."""
    return houses.house(database, [RULES])


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pieces of an object that is quickly read."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 6_000)
    monkeypatch.setattr("app.backup.all_data._RECORD_BYTES", 3_000)


def minutes(number: int) -> list[Point]:
    return [point for m in range(number) for point in MODEL.points(MINUTE_MS - m * 60_000)]


def made_records(points: Sequence[Point], form: Format) -> list[bytes]:
    return encode_records(points, form, max_record_bytes=3_000)


@contextmanager
def replaying(database: str) -> Iterator[Replay]:
    """A replay over a store of its own, as in a process of its own."""
    store = Store(database, readers=1)
    try:
        yield Replay(store, ManualClock(NOW_MS))
    finally:
        store.close()


def replay(database: str, *paths: Path, again: bool = False) -> list[ReplayedPiece]:
    objects = find_objects([str(path) for path in paths])
    with replaying(database) as work:
        if again:
            work.restart(objects)
        return [piece for each in objects for piece in work.replay(each)]


def state(inside: House) -> dict[str, list[tuple[object, ...]]]:
    """What is in the database, but for when and how it came."""
    inside.evaluator.evaluate_dirty()
    return {
        "points": inside.rows("SELECT * FROM v_points"),
        "extras": inside.rows("SELECT * FROM v_extra_statistics"),
        "values": inside.rows("SELECT * FROM v_values"),
        "quarantine": inside.rows("SELECT format, reason, points, data FROM quarantine"),
    }


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """What deliveries of the same records leave behind."""
    database = f"sqlite:///{tmp_path_factory.mktemp('delivered') / 'h.db'}"
    with house(database) as inside:
        for form in Format:
            inside.post(made_records(minutes(4), form), form.value)
        return state(inside)


def objects(directory: Path) -> list[Path]:
    """The same records, half of them failed and half as all data."""
    written = []
    for form in Format:
        made = made_records(minutes(4), form)
        middle = len(made) // 2
        failed = gzip.compress(failed_object(made[:middle]))
        written.append(write_object(directory, f"http-endpoint-failed/{form.value}", failed))
        written.append(write_object(directory, f"all/{form.value}", b"".join(made[middle:])))
    return written


def test_a_replay_leaves_what_deliveries_leave(
    database_url: str, tmp_path: Path, delivered: dict[str, list[tuple[object, ...]]]
) -> None:
    objects(tmp_path / "s3")
    with house(database_url) as inside:
        done = replay(database_url, tmp_path / "s3")
        assert len(done) > 10
        assert state(inside) == delivered
        rows = inside.rows("SELECT records, points, rejections, round FROM replay")
        assert sum(int(str(row[0])) for row in rows) == sum(piece.records for piece in done)
        assert sum(int(str(row[1])) for row in rows) == sum(piece.points for piece in done)
        assert inside.rows("SELECT COUNT(*) FROM replay WHERE finished_ms IS NULL") == [(0,)]
        # Again, nothing is to be done; unless it is asked for, and then nothing changes.
        assert replay(database_url, tmp_path / "s3") == []
        with replaying(database_url) as work:
            for each in find_objects([str(tmp_path / "s3")]):
                assert work.is_finished(each)
                assert list(work.replay(each, lambda size: pytest.fail(f"{size} bytes read"))) == []
        marks = inside.rows("SELECT COUNT(*) FROM dirty_minute")
        assert marks == [(0,)]
        repeated = replay(database_url, tmp_path / "s3", again=True)
        assert [piece.points for piece in repeated] == [piece.points for piece in done]
        assert not any(piece.duplicate for piece in repeated)
        assert state(inside) == delivered
        rows = inside.rows("SELECT points, round FROM replay")
        assert {row[1] for row in rows} == {1}


def test_the_order_of_objects_and_deliveries_does_not_matter(
    database_url: str, tmp_path: Path, delivered: dict[str, list[tuple[object, ...]]]
) -> None:
    draw = random.Random(3)
    paths = objects(tmp_path / "s3")
    draw.shuffle(paths)
    with house(database_url) as inside:
        inside.post(made_records(minutes(4), Format.JSON)[::2], "before")
        replay(database_url, *paths[:3])
        inside.post(made_records(minutes(4), Format.OPENTELEMETRY_1_0), "between")
        replay(database_url, *paths)
        inside.post(made_records(minutes(4), Format.JSON), "after")
        assert state(inside) == delivered


def test_a_replay_goes_on_behind_the_last_piece(
    database_url: str, tmp_path: Path, delivered: dict[str, list[tuple[object, ...]]]
) -> None:
    """Whatever piece it is interrupted at, no piece is stored twice or left out."""
    objects(tmp_path / "s3")
    found = find_objects([str(tmp_path / "s3")])
    whole: list[ReplayedPiece] = []
    with house(database_url) as inside:
        rounds = 0
        while not whole or rounds < 100:
            rounds += 1
            with replaying(database_url) as work:
                stored = 0
                for each in found:
                    for piece in work.replay(each):
                        whole.append(piece)
                        stored += 1
                        if stored == 2:
                            break
                    if stored == 2:
                        break
            if not stored:
                break
        assert rounds > 5
        assert not any(piece.duplicate for piece in whole)
        positions = inside.rows("SELECT COUNT(*) FROM delivery")
        assert positions == [(len(whole),)]
        assert sum(p.points for p in whole) == 3 * len(minutes(4))
        assert state(inside) == delivered


def test_a_piece_and_how_far_it_is_are_one_transaction(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_object(tmp_path, "o", b"".join(made_records(minutes(2), Format.JSON)))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("killed here")

    with house(database_url) as inside:
        with monkeypatch.context() as patched:
            patched.setattr("app.pipeline.replay.advance_replayed", fail)
            with pytest.raises(RuntimeError, match="killed here"):
                replay(database_url, path)
        assert inside.rows("SELECT COUNT(*) FROM v_points") == [(0,)]
        assert inside.rows("SELECT COUNT(*) FROM delivery") == [(0,)]
        assert not any(piece.duplicate for piece in replay(database_url, path))


def test_two_replays_at_once_do_the_work_once(database_url: str, tmp_path: Path) -> None:
    path = write_object(tmp_path, "o", b"".join(made_records(minutes(3), Format.JSON)))
    (each,) = find_objects([str(path)])
    with (
        house(database_url) as inside,
        replaying(database_url) as one,
        replaying(database_url) as other,
    ):
        together = zip_longest(one.replay(each), other.replay(each))
        done = [piece for pair in together for piece in pair if piece]
        assert sum(piece.points for piece in done if not piece.duplicate) == len(minutes(3))
        # The second begins behind the first one's first piece, and then they meet.
        assert sum(piece.duplicate for piece in done) > 2
        ((points, finished),) = inside.rows("SELECT points, finished_ms FROM replay")
        assert points == len(minutes(3))
        assert finished is not None


def test_the_same_bytes_at_another_place_are_passed_over(sqlite_url: str, tmp_path: Path) -> None:
    data = b"".join(made_records(minutes(2), Format.JSON))
    with house(sqlite_url):
        assert replay(sqlite_url, write_object(tmp_path, "a", data))
        copied = replay(sqlite_url, write_object(tmp_path, "b.gz", gzip.compress(data)))
        assert copied
        assert all(piece.duplicate for piece in copied)


def test_bad_parts_are_quarantined_like_those_of_a_delivery(
    sqlite_url: str, tmp_path: Path
) -> None:
    good = made_records(minutes(1), Format.JSON)
    broken = [b"no record", good[0][: len(good[0]) - 40] + b"}\n", b""]
    with house(sqlite_url) as inside:
        path = write_object(tmp_path, "http-endpoint-failed/o", failed_object([*good, *broken]))
        done = replay(sqlite_url, path)
        replayed = inside.rows("SELECT format, reason, points, data FROM quarantine")
        assert len(replayed) == 2
        details = [str(row[0]) for row in inside.rows("SELECT detail FROM quarantine")]
        places = [rejection.detail for piece in done for rejection in piece.rejections]
        assert sorted(places) == details
        offset = path.read_bytes().index(failed_object([broken[0]]))
        assert any(detail.startswith(f"byte {offset}: ") for detail in details)
        assert inside.rows("SELECT DISTINCT request_id FROM quarantine") == [(str(path),)]
        # Delivered by HTTP, they are the same rows.
        inside.post([*good, *broken])
        assert inside.rows("SELECT format, reason, points, data FROM quarantine") == replayed
        assert inside.rows("SELECT DISTINCT occurrences FROM quarantine") == [(2,)]


def test_damaged_objects_are_told_and_their_good_parts_stored(
    sqlite_url: str, tmp_path: Path
) -> None:
    data = b"".join(made_records(minutes(3), Format.JSON))
    packed = gzip.compress(data, 1)
    path = write_object(tmp_path, "o.gz", packed[: len(packed) * 3 // 4])
    with house(sqlite_url) as inside:
        for _ in range(2):
            with pytest.raises(UnreadableObject, match="cut short"):
                replay(sqlite_url, path)
            ((stored,),) = inside.rows("SELECT COUNT(*) FROM v_points")
            assert 0 < int(str(stored)) < len(minutes(3))
            assert inside.rows("SELECT COUNT(*) FROM replay WHERE finished_ms IS NULL") == [(1,)]
            assert inside.rows("SELECT COUNT(*) FROM quarantine") == [(0,)]
        # Mended, it is another version of the object.
        path.write_bytes(packed)
        assert not all(piece.duplicate for piece in replay(sqlite_url, path))
        assert inside.rows("SELECT COUNT(*) FROM v_points") == [(len(minutes(3)),)]


def test_a_file_of_an_archive_that_cannot_be_read_does_not_keep_the_others(
    sqlite_url: str, tmp_path: Path
) -> None:
    made = made_records(minutes(3), Format.OPENTELEMETRY_1_0)
    path = tmp_path / "o.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"".join(made[:3]))
        archive.writestr("b", b"hello")
        archive.writestr("c", failed_object(made[3:]))
    with house(sqlite_url) as inside:
        for _ in range(2):
            with pytest.raises(UnreadableObject, match=r"^b: it holds neither"):
                replay(sqlite_url, path)
            assert inside.rows("SELECT COUNT(*) FROM v_points") == [(len(minutes(3)),)]
        finished = "SELECT object FROM replay WHERE finished_ms IS NOT NULL"
        assert inside.rows(finished) == [(f"{path}/a",), (f"{path}/c",)]
        # To be done again, its files are, too.
        (each,) = find_objects([str(path)])
        with replaying(sqlite_url) as work:
            assert list_until_it_fails(work, each) == []
            work.restart([each])
            repeated = list_until_it_fails(work, each)
        assert sum(piece.points for piece in repeated) == len(minutes(3))
        assert not any(piece.duplicate for piece in repeated)


def list_until_it_fails(work: Replay, each: object) -> list[ReplayedPiece]:
    found: list[ReplayedPiece] = []
    try:
        found.extend(work.replay(each))  # type: ignore[arg-type]
    except UnreadableObject:
        return found
    raise AssertionError("nothing is wrong with it")


def test_points_of_minutes_that_are_gone_are_left_out_and_counted(
    database_url: str, tmp_path: Path
) -> None:
    day_ms = 24 * 3_600_000
    old = MODEL.points(MINUTE_MS - 10 * day_ms)
    recent = MODEL.points(MINUTE_MS)
    records = made_records([*old, *recent], Format.JSON)
    with house(database_url) as inside:
        kept = (MINUTE_MS - 3 * day_ms) // 60_000
        inside.store.write(lambda connection: expire(connection, {Tier.MINUTE: kept}))
        done = replay(database_url, write_object(tmp_path, "o", b"".join(records)))
        assert sum(piece.points for piece in done) == len(recent)
        assert sum(piece.expired for piece in done) == len(old)
        assert inside.rows("SELECT DISTINCT minute FROM v_points") == [(MINUTE_MS // 60_000,)]
        assert inside.rows("SELECT DISTINCT minute FROM dirty_minute") == [(MINUTE_MS // 60_000,)]


def test_a_dry_run_counts_the_same_without_a_database(tmp_path: Path, sqlite_url: str) -> None:
    objects(tmp_path / "s3")
    write_object(tmp_path, "s3/bad", failed_object([b"no record"]))
    work = DryRun()
    found = find_objects([str(tmp_path / "s3")])
    counted = [piece for each in found for piece in work.replay(each)]
    with house(sqlite_url):
        stored = replay(sqlite_url, tmp_path / "s3")
    for done in (counted, stored):
        assert sum(piece.points for piece in done) == 3 * len(minutes(4))
        assert sum(len(piece.rejections) for piece in done) == 1
    with pytest.raises(UnreadableObject, match="neither"):
        list(work.replay(find_objects([str(write_object(tmp_path, "x", b"hello"))])[0]))


def test_a_database_that_stays_locked_ends_the_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.engine.SQLITE_BUSY_TIMEOUT_MS", 20)
    database = f"sqlite:///{tmp_path / 'h.db'}"
    path = write_object(tmp_path, "o", b"".join(made_records(minutes(2), Format.JSON)))
    with house(database):
        pass
    store = Store(database, readers=1)
    clock = ManualClock(NOW_MS)
    work = Replay(store, clock)
    (each,) = find_objects([str(path)])
    other = sa.create_engine(database, isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        began = clock.monotonic()
        with pytest.raises(StorageUnavailable, match="locked"):
            next(work.replay(each))
        connection.exec_driver_sql("ROLLBACK")
    other.dispose()
    await_writes(store)
    # It was patient, and it goes on where it was.
    assert clock.monotonic() - began >= 5
    assert sum(piece.points for piece in work.replay(each)) == len(minutes(2))
    store.close()


def test_nothing_is_written_without_saying_so(sqlite_url: str, tmp_path: Path) -> None:
    """Whoever interrupts is told before a transaction begins, and lets it end."""
    path = write_object(tmp_path, "o", b"".join(made_records(minutes(2), Format.JSON)))
    (each,) = find_objects([str(path)])
    with house(sqlite_url) as inside:
        state = "SELECT COUNT(*) FROM delivery"
        held: list[object] = []
        store = Store(sqlite_url, readers=1)
        work = Replay(store, ManualClock(NOW_MS), lambda: held.append(inside.rows(state)))
        done = len(list(work.replay(each)))
        store.close()
    # Before each piece, and before the object is said to be finished.
    assert held == [[(number,)] for number in range(done + 1)]
