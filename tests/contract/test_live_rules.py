"""Rules that change while the server runs, on both engines."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.errors import StorageUnavailable
from app.pipeline import RuleWatcher
from app.pipeline.rule_watch import RECENT_MINUTES
from app.rules import RuleDirectory
from app.simulator import AccountModel, Format, Point, Series, encode_records
from app.storage import Connection, Store, mark_dirty, newest_minutes
from tests.fixtures.house import NOW_MS, House, house

MINUTE_MS = NOW_MS // 60_000 * 60_000
HEAD = """
metricPrefix: t
filter: "{ tags -> tags.Namespace == 'AWS/DynamoDB' && tags.TableName }"
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
"""
SUM = "  - {name: sum, exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum}\n"
DOUBLE = "  - {name: sum, exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum * 2}\n"
COUNT = "  - {name: count, exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_count}\n"
LATENCY = """
  - name: latency
    exp: >-
      amazonaws_com_AWS_DynamoDB_SuccessfulRequestLatency_avg
      .avg(['cloud_account_id', 'TableName', 'cloud_region', 'Operation'])
"""


class Live:
    """A house whose rules are files, and a watcher of them that looks when it is told to."""

    def __init__(self, inside: House, directory: Path) -> None:
        self.inside = inside
        self.file = directory / "t.yaml"
        self.watcher = RuleWatcher(
            RuleDirectory(directory), inside.rules, inside.store, inside.clock, poll_seconds=1
        )

    def change(self, rules: str) -> None:
        """Write the file and have the change taken."""
        self.file.write_text(HEAD + rules)
        self.watcher.look()
        self.watcher.look()

    def deliver(self, request_id: str, *points: Point) -> None:
        self.inside.post(encode_records(points, Format.JSON), request_id)

    def values(self, metric: str) -> list[tuple[object, ...]]:
        self.inside.evaluator.evaluate_dirty()
        query = f"SELECT start_ms, endpoint, value FROM v_values WHERE metric = '{metric}'"
        return self.inside.rows(query)


@pytest.fixture
def live(database_url: str, tmp_path: Path) -> Iterator[Live]:
    directory = tmp_path / "rules"
    directory.mkdir()
    (directory / "t.yaml").write_text(HEAD + SUM)
    with house(database_url, rules=directory) as inside:
        yield Live(inside, directory)


def point(minute: int, count: int = 2, total: float = 5.0) -> Point:
    dimensions = (("TableName", "orders"),)
    series = Series(
        "1", "eu-west-1", "AWS/DynamoDB", "ConsumedReadCapacityUnits", dimensions, "Count"
    )
    return Point(series, MINUTE_MS + minute * 60_000, count, total, 0.0, total)


def test_a_new_rule_has_values_of_the_newest_minutes_without_new_points(live: Live) -> None:
    live.deliver("1", *(point(-minute) for minute in range(9)))
    assert len(live.values("t_sum")) == 9
    live.change(SUM + COUNT)
    expected = [(MINUTE_MS - minute * 60_000, "orders", 2.0) for minute in range(RECENT_MINUTES)]
    assert live.values("t_count") == sorted(expected)
    assert len(live.values("t_sum")) == 9


def test_minutes_in_the_future_do_not_count_as_the_newest(live: Live) -> None:
    live.deliver("1", point(0), point(600))
    live.inside.evaluator.evaluate_dirty()
    live.change(SUM + COUNT)
    assert live.values("t_count") == [(MINUTE_MS, "orders", 2.0)]


def test_a_changed_rule_replaces_its_values(live: Live) -> None:
    live.deliver("1", point(0))
    assert live.values("t_sum") == [(MINUTE_MS, "orders", 5.0)]
    live.change(DOUBLE)
    assert live.values("t_sum") == [(MINUTE_MS, "orders", 10.0)]


def test_values_of_a_removed_rule_stay(live: Live) -> None:
    live.deliver("1", point(0))
    assert live.values("t_sum") == [(MINUTE_MS, "orders", 5.0)]
    live.change(COUNT)
    live.deliver("2", point(0, count=3, total=7.0))
    assert live.values("t_count") == [(MINUTE_MS, "orders", 3.0)]
    assert live.values("t_sum") == [(MINUTE_MS, "orders", 5.0)]


def test_a_broken_file_changes_nothing(live: Live) -> None:
    live.deliver("1", point(0))
    live.inside.evaluator.evaluate_dirty()
    live.change("  - {name: sum, exp: 'x.sum(['}\n")
    assert [status.state.value for status in live.inside.rules.files] == ["broken"]
    assert live.inside.evaluator.evaluate_dirty() == 0
    live.deliver("2", point(1))
    assert len(live.values("t_sum")) == 2


def test_a_directory_that_vanishes_leaves_the_rules(live: Live) -> None:
    directory = live.file.parent
    directory.rename(directory.with_name("elsewhere"))
    live.watcher.look()
    live.watcher.look()
    (status,) = live.inside.rules.files
    assert (status.state.value, status.path) == ("broken", "t.yaml")
    assert "does not exist" in str(status.error)
    live.deliver("1", point(0))
    assert len(live.values("t_sum")) == 1


def test_series_that_another_engine_was_given_are_found_again(live: Live) -> None:
    """Their identities are handed over for good; the next engine gets them from the database."""
    live.deliver("1", point(0))
    live.inside.evaluator.evaluate_dirty()
    for rules in (COUNT, SUM, COUNT + SUM, DOUBLE):
        live.change(rules)
        live.inside.evaluator.evaluate_dirty()
    assert live.values("t_sum") == [(MINUTE_MS, "orders", 10.0)]
    assert live.values("t_count") == [(MINUTE_MS, "orders", 2.0)]
    # Nothing is kept twice: what was handed over has left the registry.
    assert live.inside.evaluator._registry._identities == {}


def test_a_minute_under_way_is_evaluated_by_one_engine(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules change between reading and storing; the minute is then evaluated once more."""
    live.deliver("1", point(0))
    write = Store.write

    def changing(store: Store, job: object, *, epoch: int) -> object:
        monkeypatch.undo()
        live.change(DOUBLE + COUNT)
        return write(store, job, epoch=epoch)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "write", changing)
    live.inside.evaluator.evaluate_dirty()
    query = "SELECT metric, value FROM v_values"
    assert live.inside.rows(query) == [("t_sum", 5.0)]
    live.inside.evaluator.evaluate_dirty()
    assert live.inside.rows(query) == [("t_count", 2.0), ("t_sum", 10.0)]


def test_minutes_that_could_not_be_marked_are_marked_at_the_next_look(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.deliver("1", point(0))
    live.inside.evaluator.evaluate_dirty()

    def unavailable(_: Store, job: object) -> None:
        del job
        raise StorageUnavailable("for a moment")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", unavailable)
        with pytest.raises(StorageUnavailable):
            live.change(COUNT)
    live.watcher.look()
    live.watcher.look()
    assert live.values("t_count") == [(MINUTE_MS, "orders", 2.0)]


def test_newest_minutes_are_found(live: Live) -> None:
    live.deliver("1", *(point(minute) for minute in (-40, -7, -3, 0)))
    newest = MINUTE_MS // 60_000
    with live.inside.store.read() as connection:
        assert newest_minutes(connection, 2, newest) == [newest - 3, newest - 7]
        assert newest_minutes(connection, 9, newest + 1) == [
            newest + minute for minute in (0, -3, -7, -40)
        ]


def _mark_everything(connection: Connection) -> None:
    found = connection.exec_driver_sql("SELECT DISTINCT minute FROM v_points")
    mark_dirty(connection, list(found.scalars()))


def _values(inside: House, *metrics: str) -> Sequence[tuple[object, ...]]:
    inside.evaluator.evaluate_dirty()
    names = ", ".join(f"'{metric}'" for metric in metrics)
    return inside.rows(f"SELECT * FROM v_values WHERE metric IN ({names})")


def test_changing_rules_under_load_lose_nothing(
    live: Live, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """While minutes are evaluated on their thread, deliveries come in and rules come and go.

    A metric that is always there has all its values at once; those that came late have them when
    their minutes have been marked.
    """
    (live.file.parent / "always.yaml").write_text(HEAD.replace(": t", ": always") + SUM)
    model = AccountModel(3, tables=4)
    stream = [
        encode_records(model.points(MINUTE_MS - minute * 60_000), Format.JSON)
        for minute in range(20)
    ]
    delivered = threading.Event()

    def deliver() -> None:
        try:
            for number, records in enumerate(stream):
                live.inside.post(records, str(number))
                live.inside.evaluator.wake()
        finally:
            delivered.set()

    sender = threading.Thread(target=deliver)
    # Before the first delivery, so that no minute is evaluated without the metric that stays.
    live.change(SUM)
    live.inside.evaluator.start()
    sender.start()
    changes = 0
    try:
        while changes < 10 or not delivered.is_set():
            versions = (SUM, DOUBLE + COUNT, LATENCY, COUNT + LATENCY)
            live.change(versions[changes % len(versions)])
            changes += 1
    finally:
        sender.join()
        live.change(COUNT + LATENCY)
        live.inside.evaluator.stop()
        live.inside.evaluator._stopped.clear()
    files = live.inside.rules.files
    assert [status.state.value for status in files] == ["active", "active"]
    fresh = f"sqlite:///{tmp_path_factory.mktemp('fresh') / 'h.db'}"
    with house(fresh, rules=live.file.parent) as other:
        for number, records in enumerate(stream):
            other.post(records, str(number))
        always = _values(other, "always_sum")
        late = _values(other, "t_count", "t_latency")
    assert always
    assert late
    assert _values(live.inside, "always_sum") == always
    live.inside.store.write(_mark_everything)
    assert _values(live.inside, "t_count", "t_latency") == late
