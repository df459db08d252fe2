"""Slots and ids of series: what a process learns, and when."""

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.arrays import IntArray
from app.catalog import KnownSeries, Resolution, SeriesIdentity, SeriesRegistry, describe
from app.errors import WireError
from app.otlp import BatchBuilder, Format, RawSeries, SeriesKeys, decode_record
from app.simulator import Format as StreamFormat
from app.simulator import Point, Series, encode_records

START_MS = 1_727_740_800_000


class SeriesTable:
    """The table of series, without SQL: ids by digest, as in app.storage.series."""

    def __init__(self, first: int = 100) -> None:
        self.ids: dict[bytes, int] = {}
        self.calls: list[list[SeriesIdentity]] = []
        self._next = first
        self._lock = threading.Lock()

    def register(self, identities: Sequence[SeriesIdentity]) -> list[int]:
        with self._lock:
            self.calls.append(list(identities))
            for identity in identities:
                if identity.digest not in self.ids:
                    self.ids[identity.digest] = self._next
                    self._next += 1
            return [self.ids[identity.digest] for identity in identities]

    def roll_back(self) -> None:
        """Forget every series; the ids are given out again to others."""
        self.ids.clear()


def points(count: int) -> list[Point]:
    return [
        Point(
            Series("123456789012", "us-east-1", "AWS/DynamoDB", "UserErrors", (("n", str(n)),)),
            START_MS,
            1,
            1.0,
            1.0,
            1.0,
        )
        for n in range(count)
    ]


def slots_of(known: KnownSeries, given: list[Point], format_: StreamFormat) -> IntArray:
    builder = BatchBuilder()
    for record in encode_records(given, format_):
        decode_record(0, record, known.keys, builder)
    assert builder.rejections == []
    return builder.build().slot


def commit(known: KnownSeries, table: SeriesTable, slots: IntArray) -> Resolution:
    resolution = known.resolve(slots, table.register)
    known.learn(resolution)
    return resolution


def test_new_series_are_registered_in_one_call_and_known_ones_in_none() -> None:
    known, table = KnownSeries(), SeriesTable()
    slots = slots_of(known, points(5), StreamFormat.JSON)
    doubled = np.concatenate([slots, slots[::-1]])
    resolution = commit(known, table, doubled)
    assert resolution.series_id.tolist() == [100, 101, 102, 103, 104, 104, 103, 102, 101, 100]
    assert resolution.learnt == dict(zip(slots.tolist(), range(100, 105), strict=True))
    assert [len(call) for call in table.calls] == [5]
    again = commit(known, table, doubled)
    assert again.series_id.tolist() == resolution.series_id.tolist()
    assert again.learnt == {}
    assert len(table.calls) == 1


def test_only_the_unknown_series_are_asked_for() -> None:
    known, table = KnownSeries(), SeriesTable()
    commit(known, table, slots_of(known, points(3), StreamFormat.JSON))
    resolution = commit(known, table, slots_of(known, points(5), StreamFormat.JSON))
    assert [identity.dimensions for identity in table.calls[1]] == [
        (("n", "3"),),
        (("n", "4"),),
    ]
    assert resolution.series_id.tolist() == [100, 101, 102, 103, 104]


def test_what_was_rolled_back_is_not_learnt() -> None:
    known, table = KnownSeries(), SeriesTable()
    slots = slots_of(known, points(3), StreamFormat.JSON)
    lost = known.resolve(slots, table.register)
    assert lost.series_id.tolist() == [100, 101, 102]
    table.roll_back()
    # The database gives the same ids to other series before these come again.
    others = slots_of(known, points(6)[3:], StreamFormat.JSON)
    other_table = SeriesTable(first=100)
    assert commit(known, other_table, others).series_id.tolist() == [100, 101, 102]
    again = commit(known, other_table, slots)
    assert again.series_id.tolist() == [103, 104, 105]


def test_an_error_while_registering_leaves_nothing_behind() -> None:
    known, table = KnownSeries(), SeriesTable()
    slots = slots_of(known, points(2), StreamFormat.JSON)

    def failing(_: Sequence[SeriesIdentity]) -> list[int]:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        known.resolve(slots, failing)
    assert commit(known, table, slots).series_id.tolist() == [100, 101]


def test_a_series_has_one_id_through_every_format() -> None:
    known, table = KnownSeries(), SeriesTable()
    given = points(20)
    together = np.concatenate([slots_of(known, given, format_) for format_ in StreamFormat])
    assert len(set(together.tolist())) == 60
    ids = commit(known, table, together).series_id.reshape(3, 20)
    assert (ids[0] == ids[1]).all()
    assert (ids[1] == ids[2]).all()
    assert len(set(ids[0].tolist())) == 20


def test_a_series_keeps_its_id_when_its_format_changes_later() -> None:
    known, table = KnownSeries(), SeriesTable()
    for format_ in StreamFormat:
        slots = slots_of(known, points(4), format_)
        assert commit(known, table, slots).series_id.tolist() == [100, 101, 102, 103]


def test_the_table_of_ids_grows_with_the_series() -> None:
    known, table = KnownSeries(), SeriesTable()
    for count in (10, 1023, 1024, 1025, 5000):
        slots = slots_of(known, points(count), StreamFormat.OPENTELEMETRY_1_0)
        ids = commit(known, table, slots).series_id
        assert ids.tolist() == list(range(100, 100 + count))
    assert len(known.keys) == 5000


def test_a_resolution_that_waits_for_its_commit_may_be_overtaken() -> None:
    known, table = KnownSeries(), SeriesTable()
    first = slots_of(known, points(3), StreamFormat.JSON)
    waiting = known.resolve(first, table.register)
    many = slots_of(known, points(3000), StreamFormat.JSON)
    overtaking = commit(known, table, many)
    known.learn(waiting)
    assert overtaking.series_id[:3].tolist() == waiting.series_id.tolist() == [100, 101, 102]
    assert known.resolve(many, table.register).learnt == {}


def test_an_empty_batch_resolves_to_nothing() -> None:
    known, table = KnownSeries(), SeriesTable()
    assert len(commit(known, table, np.empty(0, np.int64)).series_id) == 0
    assert table.calls == []


def learnt(registry: SeriesRegistry, table: SeriesTable, given: list[Point]) -> list[int]:
    known = registry.known
    resolution = known.resolve(slots_of(known, given, StreamFormat.JSON), table.register)
    registry.learn(known, resolution)
    ids: list[int] = resolution.series_id.tolist()
    return ids


def test_identities_are_handed_over_once_and_loaded_from_then_on() -> None:
    registry, table = SeriesRegistry(), SeriesTable()
    assert learnt(registry, table, points(2)) == [100, 101]
    foreign = SeriesIdentity("1", "r", "n", "m", (), "None")
    asked: list[list[int]] = []

    def load(ids: Sequence[int]) -> dict[int, SeriesIdentity]:
        asked.append(list(ids))
        return dict.fromkeys(ids, foreign)

    one, two, three = registry.take_identities([101, 7, 100], load)
    assert (one.dimensions, two, three.dimensions) == ((("n", "1"),), foreign, (("n", "0"),))
    assert registry.take_identities([100], load) == [foreign]
    assert asked == [[7], [100]]
    assert registry.take_identities([], load) == []


def test_what_was_not_learnt_has_no_identity_at_hand() -> None:
    registry, table = SeriesRegistry(), SeriesTable()
    known = registry.known
    known.resolve(slots_of(known, points(1), StreamFormat.JSON), table.register)
    with pytest.raises(LookupError):
        registry.take_identities([100], lambda _: {})


def test_a_registry_at_its_limit_starts_anew_and_gives_the_same_ids() -> None:
    registry, table = SeriesRegistry(limit=10), SeriesTable()
    begun = registry.known
    assert learnt(registry, table, points(9)) == list(range(100, 109))
    assert registry.known is begun
    in_flight = begun.resolve(slots_of(begun, points(11), StreamFormat.JSON), table.register)
    anew = registry.known
    assert anew is not begun
    assert len(anew.keys) == 0
    assert learnt(registry, table, points(4)) == list(range(100, 104))
    # A delivery that was decoded with the old table is still committed with it.
    registry.learn(begun, in_flight)
    assert in_flight.series_id.tolist() == list(range(100, 111))
    assert registry.known is anew
    assert len(anew.keys) == 4


IDENTITY = SeriesIdentity("1", "r", "n", "m", (), "None")


def raw(number: int) -> RawSeries:
    labels = (b"n", b'{"d":"%d"}' % number)
    return RawSeries(Format.JSON, "summary", b"1\0r", b"m", b"None", labels)


def test_slots_are_dense_and_stay() -> None:
    keys = SeriesKeys(describe)
    slots = [keys.slot(raw(number)) for number in (5, 6, 5, 7, 6)]
    assert slots == [0, 1, 0, 2, 1]
    assert len(keys) == 3
    assert keys.description(2).dimensions == (("d", "7"),)


def test_a_slot_tells_whether_it_is_cloudwatchs_also_when_it_is_forgotten() -> None:
    keys = SeriesKeys(describe)
    other = RawSeries(Format.OTLP_1_0, "gauge", b"", b"m", b"", ())
    for slot, cloudwatch in ((keys.slot(other), False), (keys.slot(raw(1)), True)):
        keys.forget([slot])
        assert keys.is_cloudwatch(slot) is cloudwatch


def test_the_description_of_a_learnt_series_is_freed_and_its_slot_stays() -> None:
    known, table = KnownSeries(), SeriesTable()
    (slot,) = slots_of(known, points(1), StreamFormat.JSON).tolist()
    assert known.keys.description(slot).metric == "UserErrors"
    commit(known, table, np.array([slot], np.int64))
    with pytest.raises(LookupError, match="forgotten"):
        known.keys.description(slot)
    assert slots_of(known, points(1), StreamFormat.JSON).tolist() == [slot]


def test_an_identity_is_learnt_once_however_many_wait_for_it() -> None:
    known, table = KnownSeries(), SeriesTable()
    slots = slots_of(known, points(3), StreamFormat.JSON)
    waiting = [known.resolve(slots, table.register) for _ in range(3)]
    learnt_by = [known.learn(resolution) for resolution in waiting]
    assert [sorted(identities) for identities in learnt_by] == [[100, 101, 102], [], []]


def test_what_cannot_be_described_gets_no_slot() -> None:
    keys = SeriesKeys(describe)
    bad = raw(1)._replace(metric=b"")
    for _ in range(2):
        with pytest.raises(WireError, match="no name"):
            keys.slot(bad)
    assert len(keys) == 0
    assert keys.slot(raw(1)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"format": Format.OTLP_1_0, "labels": ()},
        {"kind": "gauge"},
        {"resource": b"2\0r"},
        {"metric": b"other"},
        {"unit": b"Count"},
        {"labels": (b"n", b"{}")},
        {"labels": (b"other", b'{"d":"1"}')},
    ],
)
def test_any_other_bytes_are_another_key(change: dict[str, object]) -> None:
    keys = SeriesKeys(lambda _: IDENTITY)
    assert keys.slot(raw(1)) == 0
    assert keys.slot(raw(1)._replace(**change)) == 1  # type: ignore[arg-type]


THREADS = 8
SERIES = 400


def test_threads_that_intern_the_same_keys_agree() -> None:
    described: list[RawSeries] = []

    def slowly(series: RawSeries) -> SeriesIdentity:
        described.append(series)
        return describe(series)

    keys = SeriesKeys(slowly)
    barrier = threading.Barrier(THREADS)

    def intern(seed: int) -> dict[int, int]:
        order = random.Random(seed).sample(range(SERIES), SERIES)
        barrier.wait()
        return {number: keys.slot(raw(number)) for number in order}

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(intern, range(THREADS)))
    assert all(slots == found[0] for slots in found)
    assert sorted(found[0].values()) == list(range(SERIES)) == list(range(len(keys)))
    for number, slot in found[0].items():
        assert keys.description(slot).dimensions == (("d", str(number)),)
    # Two threads may describe a new series at once, but none does so for a known one.
    assert SERIES <= len(described) <= SERIES * THREADS


def test_threads_that_describe_a_new_series_at_the_same_moment_agree() -> None:
    barrier = threading.Barrier(THREADS)

    def together(series: RawSeries) -> SeriesIdentity:
        barrier.wait()
        return describe(series)

    keys = SeriesKeys(together)
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(keys.slot, [raw(1)] * THREADS)) == [0] * THREADS
    assert len(keys) == 1


def test_threads_that_resolve_the_same_series_agree() -> None:
    known, table = KnownSeries(), SeriesTable()
    given = points(1500)
    records = {format_: encode_records(given, format_) for format_ in StreamFormat}
    barrier = threading.Barrier(THREADS)

    def deliver(number: int) -> list[int]:
        rng = random.Random(number)
        barrier.wait()
        ids: list[int] = []
        for _ in range(6):
            builder = BatchBuilder()
            for record in records[rng.choice(list(StreamFormat))]:
                decode_record(0, record, known.keys, builder)
            resolution = known.resolve(builder.build().slot, table.register)
            if rng.random() < 0.7:
                known.learn(resolution)
            ids = resolution.series_id.tolist()
        return ids

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(deliver, range(THREADS)))
    assert all(ids == found[0] for ids in found)
    assert len(set(found[0])) == 1500


def test_identities_that_nobody_asks_for_are_bounded_and_loaded_later() -> None:
    registry, table = SeriesRegistry(waiting=5), SeriesTable()
    asked: list[int] = []

    def load(ids: Sequence[int]) -> dict[int, SeriesIdentity]:
        asked.extend(ids)
        return dict.fromkeys(ids, IDENTITY)

    learnt(registry, table, points(4))
    learnt(registry, table, points(7))
    registry.take_identities(list(range(100, 107)), load)
    assert asked == [100, 101, 102, 103]
    learnt(registry, table, points(20))
    asked.clear()
    registry.take_identities(list(range(107, 120)), load)
    assert len(asked) == 13 - 5
