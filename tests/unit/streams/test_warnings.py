"""Every warning: raised when its reason is there, and over when it is gone."""

import tracemalloc

import pytest

from app.clock import ManualClock
from app.streams import (
    Aspect,
    Kind,
    Limits,
    Part,
    RefusedKey,
    StreamCounts,
    StreamKey,
    StreamWarning,
    WarningId,
    Window,
    gaps,
    merge_into,
    points_per_minute,
    stream_warnings,
    usual_interval_ms,
)
from app.streams.identity import OTHER_STREAM
from tests.fixtures.house import NOW_MS

MINUTE_MS = 60_000
START_MS = NOW_MS // (10 * MINUTE_MS) * 10 * MINUTE_MS
FIREHOSE = "arn:aws:firehose:eu-west-1:111111111111:deliverystream/hydrant"
KEY = StreamKey("1", "eu-west-1", "arn:aws:cloudwatch:eu-west-1:1:metric-stream/a")
OTHER = StreamKey("1", "eu-west-1", "arn:aws:cloudwatch:eu-west-1:1:metric-stream/b")


class Streams:
    """Streams that receive as a clock is moved."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_MS)
        self.watching_since_ms = START_MS
        self.raised: set[WarningId] = set()
        self.refused: dict[RefusedKey, Part] = {}
        self._streams: dict[StreamKey, StreamCounts] = {}

    def receive(
        self,
        *parts: tuple[Aspect, str],
        key: StreamKey = KEY,
        lag_minutes: int = 3,
        records: int = 10,
        rejected: int = 0,
    ) -> None:
        now_ms = self.clock.now_ms()
        end_ms = now_ms - lag_minutes * MINUTE_MS
        minute = now_ms % (10 * MINUTE_MS) // MINUTE_MS
        new = StreamCounts(
            key, FIREHOSE, now_ms, now_ms, now_ms, end_ms - MINUTE_MS, end_ms, 100, 1
        )
        new.windows[now_ms - now_ms % (10 * MINUTE_MS)] = Window(
            1 << minute, 100, 1, records, rejected, lag_minutes * MINUTE_MS
        )
        usual = ((Aspect.LABELS, "dimensions"), (Aspect.FORMAT, "json"))
        for part in parts or usual:
            new.see(part, Part(now_ms, now_ms, 100))
        merge_into(self._streams, [new], most=100, other=OTHER_STREAM)

    def flow(self, minutes: int, *parts: tuple[Aspect, str], every: int = 1) -> None:
        """Receive every so many minutes."""
        for minute in range(minutes):
            if minute % every == 0:
                self.receive(*parts)
            self.clock.advance(60)

    def warnings(self) -> list[StreamWarning]:
        return stream_warnings(
            list(self._streams.values()),
            self.refused,
            self.raised,
            now_ms=self.clock.now_ms(),
            watching_since_ms=self.watching_since_ms,
            limits=Limits(),
        )

    def kinds(self) -> list[Kind]:
        return [warning.kind for warning in self.warnings()]

    @property
    def one(self) -> StreamCounts:
        return self._streams[KEY]


@pytest.fixture
def streams() -> Streams:
    return Streams()


def test_a_stream_that_flows_has_no_warning(streams: Streams) -> None:
    for _ in range(300):
        streams.flow(1)
        assert streams.kinds() == []


def test_a_stream_that_stops_is_told_until_it_comes_again(streams: Streams) -> None:
    streams.flow(60)
    last_ms = streams.clock.now_ms() - MINUTE_MS
    streams.clock.advance(9 * 60)
    assert streams.kinds() == []
    streams.clock.advance(1)
    (warning,) = streams.warnings()
    assert (warning.kind, warning.key, warning.since_ms) == (Kind.STOPPED, KEY, last_ms)
    assert "it usually comes every minute" in warning.message
    streams.clock.advance(30 * 24 * 3600)
    assert streams.kinds() == [Kind.STOPPED]
    streams.receive()
    assert streams.kinds() == []


def test_a_stream_of_long_intervals_is_waited_for_longer(streams: Streams) -> None:
    streams.flow(151, every=15)
    assert usual_interval_ms(streams.one) == 15 * MINUTE_MS
    streams.clock.advance(44 * 60)
    assert streams.kinds() == []
    streams.clock.advance(61)
    assert streams.kinds() == [Kind.STOPPED]
    assert "every 15 minutes" in streams.warnings()[0].message


def test_a_stream_that_comes_in_bursts_is_given_its_breaks(streams: Streams) -> None:
    for _ in range(5):
        streams.flow(3)
        streams.clock.advance(57 * 60)
    assert usual_interval_ms(streams.one) == MINUTE_MS
    assert streams.kinds() == []
    streams.clock.advance(31 * 60)
    assert streams.kinds() == [Kind.STOPPED]


def test_one_outage_is_no_break_that_a_stream_is_given(streams: Streams) -> None:
    streams.flow(30)
    streams.clock.advance(2 * 3600)
    streams.flow(30)
    streams.clock.advance(9 * 60 + 1)
    assert streams.kinds() == [Kind.STOPPED]


def test_an_account_may_be_quiet_while_others_come_through_its_stream(streams: Streams) -> None:
    quiet = KEY._replace(account="2")
    for _ in range(30):
        streams.receive(key=quiet)
        streams.flow(1)
    for _ in range(11):
        streams.flow(6 * 60, every=5)
        assert streams.kinds() == []
    streams.clock.advance(11 * 60)
    # The whole stream: for both accounts.
    assert streams.kinds() == [Kind.STOPPED, Kind.STOPPED]
    # One account that is gone for long may not be linked any more.
    streams.flow(6 * 60)
    (warning,) = streams.warnings()
    assert warning.key == quiet
    assert "still linked" in warning.message


def test_an_outage_does_not_change_the_usual_interval(streams: Streams) -> None:
    streams.flow(30)
    first_ms = streams.clock.now_ms() // MINUTE_MS * MINUTE_MS
    streams.clock.advance(2 * 3600)
    streams.flow(30)
    assert usual_interval_ms(streams.one) == MINUTE_MS
    assert gaps(streams.one) == [(first_ms, first_ms + 2 * 3_600_000)]


@pytest.mark.parametrize(("silent", "are_gaps"), [(2, False), (3, True)])
def test_three_usual_intervals_without_points_are_a_gap(
    streams: Streams, silent: int, are_gaps: bool
) -> None:
    streams.flow(30)
    streams.clock.advance(silent * 60)
    streams.flow(30)
    assert bool(gaps(streams.one)) is are_gaps


def test_the_rhythm_of_a_large_buffer_has_no_gaps(streams: Streams) -> None:
    streams.flow(2 * 60, every=15)
    assert gaps(streams.one) == []


def test_a_stream_hardly_known_is_given_the_time_of_the_longest_buffer(streams: Streams) -> None:
    streams.receive()
    assert usual_interval_ms(streams.one) is None
    streams.clock.advance(45 * 60)
    assert streams.kinds() == []
    streams.clock.advance(1)
    assert streams.kinds() == [Kind.STOPPED]


def test_a_server_that_was_down_does_not_blame_the_stream(streams: Streams) -> None:
    streams.flow(60)
    streams.clock.advance(3600)
    streams.watching_since_ms = streams.clock.now_ms()
    assert streams.kinds() == []
    streams.clock.advance(10 * 60 + 1)
    assert streams.kinds() == [Kind.STOPPED]


def test_a_server_that_starts_takes_the_word_of_the_others(streams: Streams) -> None:
    streams.flow(60)
    streams.clock.advance(3600)
    streams.watching_since_ms = streams.clock.now_ms()
    streams.raised = {WarningId(Kind.STOPPED, KEY, "")}
    assert streams.kinds() == [Kind.STOPPED]
    streams.receive()
    assert streams.kinds() == []


def test_what_never_had_a_point_does_not_stop(streams: Streams) -> None:
    streams.receive()
    streams.one.last_received_ms = streams.one.newest_end_ms = streams.one.newest_ms = 0
    streams.clock.advance(24 * 3600)
    assert streams.kinds() == []


def test_a_format_that_changes_is_told_for_an_hour(streams: Streams) -> None:
    old, new = (Aspect.FORMAT, "opentelemetry0.7"), (Aspect.FORMAT, "opentelemetry1.0")
    streams.flow(30, old)
    switched_ms = streams.clock.now_ms()
    streams.flow(5, old, new)
    (warning,) = streams.warnings()
    assert (warning.kind, warning.since_ms) == (Kind.FORMAT_SWITCHED, switched_ms)
    assert "from opentelemetry0.7 to opentelemetry1.0" in warning.message
    streams.flow(59, new)
    assert streams.kinds() == [Kind.FORMAT_SWITCHED]
    streams.flow(1, new)
    streams.flow(1, new)
    assert streams.kinds() == []
    # Back again is another change, and says so.
    streams.flow(2, old)
    assert "from opentelemetry1.0 to opentelemetry0.7" in streams.warnings()[0].message


def test_points_without_labels_are_told_until_half_an_hour_after_the_last(
    streams: Streams,
) -> None:
    streams.flow(10)
    lost_ms = streams.clock.now_ms()
    streams.flow(3, (Aspect.LABELS, "missing"))
    (warning,) = streams.warnings()
    assert (warning.kind, warning.since_ms) == (Kind.LABELS_LOST, lost_ms)
    assert "300 so far" in warning.message
    streams.flow(29)
    assert streams.kinds() == [Kind.LABELS_LOST]
    streams.flow(1)
    assert streams.kinds() == []


def test_points_that_lose_their_dimensions_are_told(streams: Streams) -> None:
    bare = (Aspect.LABELS, "no_dimensions")
    streams.flow(60, bare, (Aspect.LABELS, "dimensions"))
    last_ms = streams.clock.now_ms() - MINUTE_MS
    streams.flow(30, bare)
    assert streams.kinds() == []
    streams.flow(1, bare)
    (warning,) = streams.warnings()
    assert (warning.kind, warning.since_ms) == (Kind.LABELS_LOST, last_ms)
    assert "none of them has a dimension" in warning.message
    streams.receive()
    assert streams.kinds() == []


def test_a_stream_that_never_had_dimensions_has_lost_none(streams: Streams) -> None:
    streams.flow(120, (Aspect.LABELS, "no_dimensions"))
    assert streams.kinds() == []


def test_a_stream_that_lags_is_told_until_it_has_caught_up(streams: Streams) -> None:
    streams.flow(20)
    streams.receive(lag_minutes=15)
    assert streams.kinds() == []
    began_ms = streams.clock.now_ms()
    for minute in range(16, 40):
        streams.clock.advance(60)
        streams.one.newest_end_ms = 0
        streams.receive(lag_minutes=minute)
        (warning,) = streams.warnings()
        assert warning.kind is Kind.LAGGING
        assert f"{minute} minutes old" in warning.message
        assert warning.since_ms == began_ms
    streams.clock.advance(60)
    streams.receive(lag_minutes=3)
    assert streams.kinds() == []


def test_a_quiet_account_whose_last_point_was_late_does_not_lag(streams: Streams) -> None:
    quiet = KEY._replace(account="2")
    streams.flow(30)
    streams.receive(key=quiet, lag_minutes=100)
    assert [(w.kind, w.key) for w in streams.warnings()] == [(Kind.LAGGING, quiet)]
    streams.flow(46)
    assert streams.kinds() == []


def test_rejected_records_are_told_above_their_share(streams: Streams) -> None:
    streams.receive(records=100, rejected=1)
    streams.one.see((Aspect.REJECTION, "invalid_base64"), Part(START_MS, streams.clock.now_ms(), 1))
    assert streams.kinds() == []
    streams.receive(records=100, rejected=2)
    (warning,) = streams.warnings()
    assert (warning.kind, warning.since_ms) == (Kind.RECORDS_REJECTED, START_MS)
    assert "3 of the last 200 records" in warning.message
    assert "(invalid_base64)" in warning.message
    streams.clock.advance(60)
    streams.flow(30)
    assert streams.kinds() == []


def test_points_of_foreign_accounts_are_not_called_undecodable(streams: Streams) -> None:
    streams.receive(records=100, rejected=10)
    streams.one.see(
        (Aspect.REJECTION, "foreign_account"), Part(START_MS, streams.clock.now_ms(), 1)
    )
    (warning,) = streams.warnings()
    assert warning.kind is Kind.RECORDS_REJECTED
    assert "bind the access key to these accounts" in warning.message
    assert "transformation" not in warning.message


def test_two_streams_of_the_same_metrics_are_told(streams: Streams) -> None:
    shared = (Aspect.SHARED, "AWS/DynamoDB")
    streams.receive(shared)
    streams.clock.advance(60)
    second_ms = streams.clock.now_ms()
    assert streams.kinds() == []
    streams.receive(shared, key=OTHER)
    warnings = streams.warnings()
    assert [(w.kind, w.key, w.since_ms) for w in warnings] == [
        (Kind.DELIVERED_TWICE, KEY, second_ms),
        (Kind.DELIVERED_TWICE, OTHER, second_ms),
    ]
    assert OTHER.stream in warnings[0].message
    assert "AWS/DynamoDB" in warnings[0].message
    streams.receive((Aspect.SHARED, "AWS/S3"), key=OTHER._replace(region="us-east-1"))
    assert len(streams.warnings()) == 2
    streams.flow(31, (Aspect.LABELS, "dimensions"))
    assert Kind.DELIVERED_TWICE not in streams.kinds()


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (RefusedKey("firehose", FIREHOSE, "public", "wrong"), True),
        (RefusedKey("firehose", FIREHOSE, "public", "missing"), True),
        (RefusedKey("otlp", "", "private", "wrong"), True),
        (RefusedKey("firehose", "", "public", "missing"), False),
        # Somebody who claims to be many Firehoses must not hide one of ours.
        (RefusedKey("other", "other", "other", "other"), True),
    ],
)
def test_refused_keys_of_senders_are_told_for_half_an_hour(
    streams: Streams, key: RefusedKey, told: bool
) -> None:
    streams.refused[key] = Part(START_MS - MINUTE_MS, START_MS, 7)
    found = [(w.kind, w.key, w.subject, w.since_ms) for w in streams.warnings()]
    nowhere = StreamKey("", "", "")
    expected = (Kind.KEY_REFUSED, nowhere, key.source, START_MS - MINUTE_MS)
    assert found == [expected] * told
    # It belongs to the stream that comes through that Firehose.
    streams.receive()
    belongs = KEY if key.source == FIREHOSE else nowhere
    assert [w.key for w in streams.warnings()] == [belongs] * told
    streams.flow(31)
    assert streams.kinds() == []


def test_the_rate_is_that_of_the_last_minutes(streams: Streams) -> None:
    streams.flow(60)
    assert points_per_minute(streams.one, streams.clock.now_ms()) == pytest.approx(100, rel=0.11)
    streams.clock.advance(20 * 60)
    assert points_per_minute(streams.one, streams.clock.now_ms()) == 0


def test_streams_that_a_sender_invents_cost_no_square_of_them() -> None:
    invented = 1_500
    counted = []
    for number in range(invented):
        counts = StreamCounts(KEY._replace(stream=f"{number:04}"), FIREHOSE, START_MS, START_MS)
        counts.last_received_ms = START_MS
        counts.see((Aspect.SHARED, "AWS/DynamoDB"), Part(START_MS, START_MS, 1))
        counted.append(counts)
    tracemalloc.start()
    try:
        found = stream_warnings(
            counted,
            {},
            (),
            now_ms=START_MS,
            watching_since_ms=START_MS,
            limits=Limits(),
        )
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == invented
    assert "through 0001, 0002, 0003, 0004, 0005 and others, since" in found[0].message
    assert "through 0000, 0001, 0002, 0003, 0004 and others, since" in found[-1].message
    # All beside all would be 100 MB.
    assert peak_bytes < invented * 10_000
