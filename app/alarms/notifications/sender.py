"""The sender: what is in the outbox goes out, each channel on a thread of its own.

A notification is delivered at least once: one whose delivery succeeded and whose row could not be
written before the process ended goes out again, under the same id.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from traceback import extract_tb

import structlog

from app.alarms.alerts import TELLING, Kind, Notification, read_notification
from app.alarms.channels import Receipt
from app.alarms.notifications.backoff import wait_ms
from app.alarms.notifications.channel_book import ChannelBook
from app.clock import Clock
from app.errors import NotDelivered, Unavailable
from app.pipeline import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.storage import Connection, NotificationRow, NotificationState, Store, outbox
from app.telemetry import counter, gauge, histogram

SENT = counter(
    "alarm_notification_attempts_total", "Attempts to deliver notifications", "channel", "result"
)
WAITING = gauge("alarm_notifications_waiting", "Notifications in the outbox", "channel")
OLDEST = gauge(
    "alarm_notifications_oldest_seconds", "Age of the oldest one in the outbox", "channel"
)
SECONDS = histogram("alarm_delivery_seconds", "Time that an attempt to deliver takes", "channel")

_POLL_SECONDS = 1.0
_COUNTED_EVERY_SECONDS = 10.0
_AT_ONCE = 100
_STOP_SECONDS = 5.0
_NO_CHANNEL_MS = 60_000
_STORE_SECONDS = 1.0
_HOUR_MS = 3_600_000
_POSTPONED, _FAILED = "notifications not sent", "sending notifications failed"

_log = structlog.get_logger(__name__)


class Sender(LeasedWorker):
    """One thread that hands due notifications to a thread for each channel that has some."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        clock: Clock,
        book: ChannelBook,
        *,
        give_up_hours: int = 24,
    ) -> None:
        super().__init__("alarm-sender", store, lease)
        self._clock = clock
        self._book = book
        self._give_up_ms = give_up_hours * _HOUR_MS
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}
        self._counted: float | None = None
        self._shown: set[str] = set()

    def wake(self) -> None:
        """Look at once: there is something in the outbox."""
        self._wake.set()

    def stop(self) -> None:
        """Stop soon; what is being sent has some seconds, and is sent again if it takes longer."""
        self._stopped.set()
        self._wake.set()
        super().stop()
        self.settle(_STOP_SECONDS)

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until no channel is sending, for so long at most."""
        deadline = self._clock.monotonic() + seconds
        with self._lock:
            threads = list(self._busy.values())
        for thread in threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))

    def run_once(self) -> int:
        """Hand out what is due, and do not wait for it; returns how many notifications that are.

        Raises ``LeaseLost`` when another process does it.
        """
        self._begin_round()
        with self._lock:
            busy = list(self._busy)
        with self._store.read(reserved=True) as connection:
            rows = outbox.read_due_notifications(
                connection, self._clock.now_ms(), without=busy, limit=_AT_ONCE
            )
        by_channel: dict[str, list[NotificationRow]] = defaultdict(list)
        for row in rows:
            by_channel[row.channel].append(row)
        for channel, of_channel in by_channel.items():
            self._hand_out(channel, of_channel)
        return len(rows)

    def count(self) -> None:
        """Serve as metrics what waits."""
        with self._store.read(reserved=True) as connection:
            waiting = outbox.count_waiting(connection)
        now_ms = self._clock.now_ms()
        for channel in self._shown - waiting.keys():
            WAITING.labels(channel).set(0)
            OLDEST.labels(channel).set(0)
        for channel, (number, oldest_ms) in waiting.items():
            WAITING.labels(channel).set(number)
            OLDEST.labels(channel).set(max(0, now_ms - oldest_ms) / 1000)
        self._shown |= waiting.keys()

    def _hand_out(self, channel: str, rows: Sequence[NotificationRow]) -> None:
        thread = threading.Thread(
            target=self._channel, args=(channel, rows), name=f"hydrant-to-{channel}", daemon=True
        )
        with self._lock:
            self._busy[channel] = thread
        thread.start()

    def _channel(self, channel: str, rows: Sequence[NotificationRow]) -> None:
        try:
            self._attempt(lambda: self._send_all(rows), postponed=_POSTPONED, failed=_FAILED)
        finally:
            with self._lock:
                del self._busy[channel]
            self._wake.set()

    def _send_all(self, rows: Sequence[NotificationRow]) -> None:
        for row in rows:
            if self._stopped.is_set() or self._stands_by or not self._send(row):
                return

    def _send(self, row: NotificationRow) -> bool:
        """Try one; False when the channel should be left alone for now."""
        channel = self._book.channel(row.channel)
        if channel is None:
            self._fail(row, NotDelivered("there is no such channel in the file now"), tried=False)
            return True
        notification = self._wanted(row)
        if notification is None:
            self._finish(row, NotificationState.DROPPED, "its firing was refused", attempted=False)
            return True
        began = self._clock.monotonic()
        try:
            receipt = channel.send(notification)
        except NotDelivered as error:
            self._fail(row, error)
            return not error.retry
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end as silence
            # Its text is not logged: a library may have put a secret into it.
            place = extract_tb(error.__traceback__)[-1]
            failed = f"{type(error).__name__} at {place.filename}:{place.lineno}"
            _log.error("a channel failed", channel=row.channel, error=failed)
            self._fail(row, NotDelivered(f"the channel failed: {failed}"))
            return False
        finally:
            SECONDS.labels(row.channel).observe(self._clock.monotonic() - began)
        self._delivered(row, receipt)
        return True

    def _wanted(self, row: NotificationRow) -> Notification | None:
        """What is to be sent of a row: nobody recovers from what its receiver refused to hear."""
        notification = read_notification(row.content)
        if notification.kind is not Kind.RECOVERED:
            return notification
        with self._store.read() as connection:
            refused = outbox.read_refused_incidents(connection, row.notification_id, TELLING)
        alerts = tuple(each for each in notification.alerts if each.incident_id not in refused)
        return replace(notification, alerts=alerts) if alerts else None

    def _delivered(self, row: NotificationRow, receipt: Receipt) -> None:
        SENT.labels(row.channel, "delivered").inc()
        self._finish(row, NotificationState.DELIVERED, receipt.warning)
        told = {"channel": row.channel, "kind": row.kind, "attempt": row.attempts + 1}
        if receipt.warning:
            _log.warning(
                "notification delivered in part",
                **told,
                answer=receipt.answer,
                reason=receipt.warning,
            )
        else:
            _log.info("notification delivered", **told, answer=receipt.answer)

    def _fail(self, row: NotificationRow, error: NotDelivered, *, tried: bool = True) -> None:
        now_ms = self._clock.now_ms()
        told = {"channel": row.channel, "kind": row.kind, "reason": error.message}
        if not error.retry:
            SENT.labels(row.channel, "refused").inc()
            self._finish(row, NotificationState.REFUSED, error.message)
            _log.error("a notification was refused and is not sent again", **told)
            return
        attempts = row.attempts + 1
        pause_ms = wait_ms(row.key, attempts, error.retry_after_seconds)
        if not tried:
            pause_ms = _NO_CHANNEL_MS
        if now_ms + pause_ms - row.created_ms > self._give_up_ms:
            SENT.labels(row.channel, "given_up").inc()
            self._finish(row, NotificationState.GIVEN_UP, error.message, attempted=tried)
            _log.error(
                "a notification is given up: nobody was told",
                **told,
                attempts=row.attempts + tried,
                hours=self._give_up_ms // _HOUR_MS,
            )
            return
        SENT.labels(row.channel, "failed").inc()
        self._store_surely(
            lambda connection: outbox.postpone_notification(
                connection,
                row.notification_id,
                now_ms,
                due_ms=now_ms + pause_ms,
                error=error.message,
                attempted=tried,
            )
        )
        _log.warning(
            "a notification was not delivered and is tried again",
            **told,
            attempt=attempts,
            seconds=round(pause_ms / 1000),
        )

    def _finish(
        self, row: NotificationRow, state: NotificationState, error: str, *, attempted: bool = True
    ) -> None:
        now_ms = self._clock.now_ms()
        self._store_surely(
            lambda connection: outbox.finish_notification(
                connection, row.notification_id, state, now_ms, error=error, attempted=attempted
            )
        )

    def _store_surely(self, job: Callable[[Connection], None]) -> None:
        """Store what came of an attempt, however long the database is away: it has happened.

        Not fenced: it is as true when the lease has moved, and saves a second delivery.
        """
        while True:
            try:
                self._store.write(job)
            except Unavailable:
                if self._stopped.wait(_STORE_SECONDS):
                    raise
            else:
                return

    def _look(self) -> None:
        self.run_once()
        now = self._clock.monotonic()
        if self._counted is None or now - self._counted >= _COUNTED_EVERY_SECONDS:
            self._counted = now
            self.count()

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_POLL_SECONDS)
            self._wake.clear()
            if not self._stands_by and not self._stopped.is_set():
                self._attempt(self._look, postponed=_POSTPONED, failed=_FAILED)
