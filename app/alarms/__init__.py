"""Alarms: rules over data time, states and incidents in SQL, notifications that arrive."""

from app.alarms.book import AlarmBook, AlarmRuleWatcher
from app.alarms.datapoints import DatapointReader, Datapoints, read_datapoints
from app.alarms.files import load_alarm_rules
from app.alarms.rules import AlarmRule, AlarmRules
from app.alarms.watermark import Delays
from app.alarms.worker import AlarmWorker

__all__ = [
    "AlarmBook",
    "AlarmRule",
    "AlarmRuleWatcher",
    "AlarmRules",
    "AlarmWorker",
    "DatapointReader",
    "Datapoints",
    "Delays",
    "load_alarm_rules",
    "read_datapoints",
]
