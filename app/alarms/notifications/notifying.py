"""All that notifies, put together: the channels, their watcher, the dispatcher and the sender."""

from app.alarms.channels import Surroundings
from app.alarms.notifications.channel_book import ChannelBook, ChannelWatcher
from app.alarms.notifications.dispatcher import Annotations, Dispatcher
from app.alarms.notifications.sender import Sender
from app.clock import Clock
from app.pipeline import Lease
from app.settings import Settings
from app.storage import Store


class Notifications:
    """Started and stopped as one. Raises ``AlarmChannelError`` for channels that cannot be."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        lease: Lease,
        clock: Clock,
        *,
        annotations: Annotations = lambda _: {},
    ) -> None:
        surroundings = Surroundings(clock, settings.external_url or "")
        self.channels = ChannelBook(
            settings.alarm_channels, surroundings, settings.secrets_directory
        )
        self.sender = Sender(
            store, lease, clock, self.channels, give_up_hours=settings.alarm_give_up_hours
        )
        self.dispatcher = Dispatcher(
            store,
            lease,
            clock,
            self.channels,
            annotations=annotations,
            retention_days=settings.alarm_notification_retention_days,
            on_decided=self.sender.wake,
        )
        self._watcher = ChannelWatcher(self.channels, poll_seconds=settings.rules_poll_seconds)

    def wake(self) -> None:
        """Look at once: there are events, or a silence or an acknowledgement has changed."""
        self.dispatcher.wake()

    def start(self) -> None:
        """Begin, each on a thread of its own."""
        self.sender.start()
        self.dispatcher.start()
        self._watcher.start()

    def stop(self) -> None:
        """Stop; what has been decided and not been sent is for the next start."""
        self._watcher.stop()
        self.dispatcher.stop()
        self.sender.stop()
