"""From events of incidents to notifications that arrive.

``ChannelBook`` has the channels, ``Dispatcher`` decides who is told what, ``Sender`` delivers it;
``Notifications`` is all of them together.
"""

from app.alarms.alerts import (
    Alert,
    Kind,
    Notification,
    alert_of,
    read_notification,
    trial_notification,
)
from app.alarms.notifications.channel_book import ChannelBook, ChannelWatcher
from app.alarms.notifications.channel_file import ChannelEntry, load_channels, read_channels
from app.alarms.notifications.dispatcher import Dispatcher
from app.alarms.notifications.notifying import Notifications
from app.alarms.notifications.sender import Sender
from app.alarms.notifications.silencing import Silences, check_silence

__all__ = [
    "Alert",
    "ChannelBook",
    "ChannelEntry",
    "ChannelWatcher",
    "Dispatcher",
    "Kind",
    "Notification",
    "Notifications",
    "Sender",
    "Silences",
    "alert_of",
    "check_silence",
    "load_channels",
    "read_channels",
    "read_notification",
    "trial_notification",
]
