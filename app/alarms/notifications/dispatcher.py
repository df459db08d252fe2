"""The dispatcher: events in, decisions stored, in one transaction with how far it has come.

Of several processes the one with the lease dispatches. What it decides is pure; a process that is
killed before the commit has decided nothing, and one killed after it has left all there is to send.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict

import structlog

from app.alarms.alerts import alert_of, read_alert, written
from app.alarms.incidents import FIRED
from app.alarms.notifications.channel_book import ChannelBook
from app.alarms.notifications.deciding import Decision, Event, Situation, Told, decide
from app.alarms.notifications.silencing import Silences
from app.clock import Clock
from app.logs import OncePerMinute
from app.pipeline import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.storage import (
    AlarmEvent,
    Connection,
    Store,
    Term,
    outbox,
    read_acknowledgements,
    read_alarm_events,
    read_silences,
    routed,
    silences,
)
from app.telemetry import counter

DECIDED = counter(
    "alarm_notifications_total", "Notifications put into the outbox", "channel", "kind"
)
UNTOLD = counter(
    "alarm_untold_total", "Incidents that ended while a silence or quiet hours held them"
)
UNKNOWN = counter("alarm_unknown_channels_total", "Firings whose rule names an unknown channel")

_POLL_SECONDS = 1.0
_EVENTS_AT_ONCE = 500
_CLEANED_EVERY_SECONDS = 600.0
_DAY_MS = 24 * 3_600_000
_POSTPONED, _FAILED = "notifications postponed", "deciding on notifications failed"

Annotations = Mapping[str, Mapping[str, str]]
"""Description and runbook of each rule by its name."""

_log = structlog.get_logger(__name__)


class Dispatcher(LeasedWorker):
    """One thread that decides who is told what. ``on_decided`` is called when there is to send."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        clock: Clock,
        book: ChannelBook,
        *,
        annotations: Callable[[], Annotations] = dict,
        retention_days: int = 30,
        on_decided: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("alarm-dispatcher", store, lease)
        self._clock = clock
        self._book = book
        self._annotations = annotations
        self._retention_days = retention_days
        self._on_decided = on_decided
        self._told_of_unknown = OncePerMinute(clock)
        self._wake = threading.Event()
        self._seen: object = None
        self._next_ms: int | None = None
        self._cleaned: float | None = None

    def wake(self) -> None:
        """Look at once: there are events, or a silence or an acknowledgement has changed."""
        self._wake.set()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()
        super().stop()

    def run_once(self) -> int:
        """Decide on everything that there is; returns how many notifications follow.

        Raises ``LeaseLost`` when another process does it.
        """
        self._begin_round()
        notifications = 0
        while True:
            events, decided = self._round()
            notifications += decided
            if events < _EVENTS_AT_ONCE or self._stopped.is_set():
                break
        if notifications:
            self._on_decided()
        return notifications

    def clean(self) -> None:
        """Delete notifications and silences that have been kept long enough."""
        self._begin_round()
        before_ms = self._clock.now_ms() - self._retention_days * _DAY_MS
        while self._write(lambda connection: outbox.forget_notifications(connection, before_ms)):
            if self._stopped.is_set():
                return
        self._write(lambda connection: silences.forget_silences(connection, before_ms))

    def _round(self) -> tuple[int, int]:
        with self._store.read(reserved=True) as connection:
            told = [_told(row) for row in routed.read_routed(connection)]
            dispatched = routed.read_dispatched(connection)
            events = read_alarm_events(connection, dispatched, _EVENTS_AT_ONCE)
            held = Silences(read_silences(connection))
            acknowledgements = read_acknowledgements(connection)
            waiting = outbox.read_waiting_groups(connection)
        situation = Situation(
            now_ms=self._clock.now_ms(),
            routings=self._book.routings,
            silenced=held.hold,
            acknowledged={each: row.acknowledged_ms for each, row in acknowledgements.items()},
            waiting=waiting,
            last_event_id=dispatched,
        )
        annotations = self._annotations() if events else {}
        decision = decide(told, [_event(event, annotations) for event in events], situation)
        if events or decision.changed or decision.gone:
            last = events[-1].event_id if events else dispatched
            self._write(lambda connection: _store(connection, decision, last, situation.now_ms))
        self._next_ms = decision.next_ms
        self._report(decision)
        return len(events), len(decision.notifications)

    def _report(self, decision: Decision) -> None:
        for notification in decision.notifications:
            DECIDED.labels(notification.channel, notification.kind.value).inc()
            _log.info(
                "notification",
                channel=notification.channel,
                kind=notification.kind.value,
                alarms=", ".join(sorted({alert.alarm for alert in notification.alerts})),
                incidents=len(notification.alerts),
            )
        UNTOLD.inc(decision.untold)
        for rule, channel in sorted(decision.unknown):
            UNKNOWN.inc()
            if self._told_of_unknown(f"{rule} {channel}"):
                _log.error(
                    "a rule names a channel that does not exist",
                    rule=rule,
                    channel=channel,
                    remedy="put it into the file of channels, or change the rule; without any"
                    " that exists, every channel whose conditions fit is told",
                )

    def _is_due(self) -> bool:
        """Whether there may be something to decide, found out with as little as possible."""
        with self._store.read(reserved=True) as connection:
            dispatched = routed.read_dispatched(connection)
            has_events = bool(read_alarm_events(connection, dispatched, 1))
            held = read_silences(connection)
            acknowledgements = read_acknowledgements(connection)
        seen = (self._lease_term(), self._book.entries, held, acknowledgements)
        before, self._seen = self._seen, seen
        is_time = self._next_ms is not None and self._next_ms <= self._clock.now_ms()
        return has_events or is_time or seen != before

    def _lease_term(self) -> Term | None:
        return self._lease.term

    def _look(self) -> None:
        if self._is_due():
            try:
                self.run_once()
            except BaseException:
                self._seen = None
                raise
        now = self._clock.monotonic()
        if self._cleaned is None or now - self._cleaned >= _CLEANED_EVERY_SECONDS:
            self._cleaned = now
            self.clean()

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_POLL_SECONDS)
            self._wake.clear()
            if not self._stands_by and not self._stopped.is_set():
                self._attempt(self._look, postponed=_POSTPONED, failed=_FAILED)


def _event(event: AlarmEvent, annotations: Annotations) -> Event:
    is_firing = event.kind == FIRED
    of_rule = annotations.get(event.incident.rule, {})
    alert = alert_of(
        event.incident,
        recovery="" if is_firing else event.reason,
        late=event.late,
        annotations={name: text for name, text in of_rule.items() if text},
    )
    return Event(event.event_id, event.kind, alert, event.channels, event.recorded_ms)


def _store(connection: Connection, decision: Decision, event_id: int, now_ms: int) -> None:
    routed.delete_routed(connection, decision.gone)
    routed.write_routed(connection, [_row(each) for each in decision.changed])
    outbox.add_notifications(
        connection,
        (
            outbox.NewNotification(
                key=each.key,
                channel=each.channel,
                kind=each.kind.value,
                group_key=each.group_key,
                content=written(each),
                incidents=tuple(sorted({alert.incident_id for alert in each.alerts})),
            )
            for each in decision.notifications
        ),
        now_ms,
    )
    routed.advance_dispatched(connection, event_id)


def _told(row: routed.RoutedRow) -> Told:
    values = asdict(row)
    del values["incident_id"]
    return Told(**values | {"alert": read_alert(row.alert)})


def _row(each: Told) -> routed.RoutedRow:
    return routed.RoutedRow(
        channel=each.channel,
        incident_id=each.alert.incident_id,
        group_key=each.group_key,
        alert=written(each.alert),
        fired_ms=each.fired_ms,
        ended_ms=each.ended_ms,
        first_told_ms=each.first_told_ms,
        last_told_ms=each.last_told_ms,
        flushed_ms=each.flushed_ms,
        acknowledged_ms=each.acknowledged_ms,
    )
