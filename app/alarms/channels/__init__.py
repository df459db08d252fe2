"""Ways to reach people, each a module behind the same small protocol."""

from app.alarms.channels.apprise import APPRISE
from app.alarms.channels.channel import Channel, Receipt, Surroundings
from app.alarms.channels.mail import MAIL
from app.alarms.channels.pagerduty import PAGERDUTY
from app.alarms.channels.slack import SLACK
from app.alarms.channels.sns import SNS
from app.alarms.channels.webhook import WEBHOOK

TYPES = {each.name: each for each in (WEBHOOK, SLACK, PAGERDUTY, MAIL, SNS, APPRISE)}
"""The types of channels by the name that an entry of the file has."""

__all__ = ["TYPES", "Channel", "Receipt", "Surroundings"]
