"""All that notifies, put together: the channels, their watcher, the dispatcher and the sender."""

from collections.abc import Callable

import structlog

from app.alarms.notifications.channel_book import ChannelBook, ChannelWatcher
from app.alarms.notifications.dispatcher import Annotations, Dispatcher
from app.alarms.notifications.sender import Sender
from app.alarms.rules import AlarmRules
from app.clock import Clock
from app.pipeline import Lease
from app.settings import Settings
from app.storage import Store

_log = structlog.get_logger(__name__)


class Notifications:
    """The dispatcher, the sender and the watcher of channels, started and stopped as one.

    ``rules`` gives the alarm rules in force, of which people are told what they mean.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        lease: Lease,
        clock: Clock,
        *,
        channels: ChannelBook,
        rules: Callable[[], AlarmRules],
    ) -> None:
        self.channels = channels
        self.sender = Sender(
            store, lease, clock, channels, give_up_hours=settings.alarm_give_up_hours
        )
        self.dispatcher = Dispatcher(
            store,
            lease,
            clock,
            channels,
            annotations=lambda: _annotations(rules()),
            retention_days=settings.alarm_notification_retention_days,
            on_decided=self.sender.wake,
        )
        self._watcher = ChannelWatcher(channels, poll_seconds=settings.rules_poll_seconds)

    def wake(self) -> None:
        """Look at once: there are events, or a silence or an acknowledgement has changed."""
        self.dispatcher.wake()

    def start(self) -> None:
        """Begin, each on a thread of its own."""
        if self.channels.file is None:
            _log.info(
                "no notifications are sent: alarms are evaluated and kept, and no file of channels"
                " is set",
                setting="HYDRANT_ALARM_CHANNELS",
            )
        self.sender.start()
        self.dispatcher.start()
        self._watcher.start()

    def stop(self) -> None:
        """Stop; what has been decided and not been sent is for the next start."""
        self._watcher.stop()
        self.dispatcher.stop()
        self.sender.stop()


def _annotations(rules: AlarmRules) -> Annotations:
    return {
        rule.name: {"description": rule.description, "runbook": rule.runbook}
        for rule in rules.rules
    }
