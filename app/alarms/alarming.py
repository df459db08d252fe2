"""Alarms as a whole: the rules in force, their evaluation, and who is told; started as one."""

from app.alarms.book import AlarmBook, AlarmRuleWatcher
from app.alarms.notifications import ChannelBook, Notifications
from app.alarms.rules import AlarmRules
from app.alarms.watermark import Delays
from app.alarms.worker import AlarmWorker
from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.pipeline import Lease
from app.query.prometheus import PrometheusData
from app.settings import Settings
from app.storage import Store


class Alarms:
    """What evaluates and what notifies, under the rules and the channels of these books."""

    def __init__(
        self,
        settings: Settings,
        book: AlarmBook,
        channels: ChannelBook,
        *,
        store: Store,
        prometheus: PrometheusData,
        lease: Lease,
        clock: Clock,
    ) -> None:
        self._book = book
        self._channels = channels
        self.notifications = Notifications(
            settings, store, lease, clock, channels=channels, rules=self.rules
        )
        self.worker = AlarmWorker(
            store,
            prometheus,
            self.rules,
            clock,
            lease,
            delays=_delays(settings),
            on_event=self.notifications.wake,
        )
        self._watcher = AlarmRuleWatcher(
            settings.alarm_rules,
            book,
            poll_seconds=settings.rules_poll_seconds,
            on_change=self.worker.wake,
        )

    def rules(self) -> AlarmRules:
        """The rules in force."""
        return self._book.current

    def faults(self) -> tuple[str, ...]:
        """Why files of rules or channels, as they are now, are not in force: file, line, fault."""
        errors = (self._book.error, self._channels.error)
        return tuple(error for error in errors if error is not None)

    def start(self) -> None:
        """Begin, each on a thread of its own."""
        self.worker.start()
        self.notifications.start()
        self._watcher.start()

    def stop(self) -> None:
        """Stop; what is to be evaluated and to be told waits for the next start."""
        self._watcher.stop()
        self.worker.stop()
        self.notifications.stop()


def _delays(settings: Settings) -> Delays:
    return Delays(
        settings.alarm_shortest_delay_minutes,
        settings.alarm_longest_delay_minutes,
        silence_ms=settings.alarm_silence_minutes * MILLISECONDS_PER_MINUTE,
        correction_ms=settings.alarm_correction_hours * 60 * MILLISECONDS_PER_MINUTE,
    )
