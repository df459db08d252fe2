"""Alarms: what fires, the story of each incident, history, silences, rules."""

from app.web.alarms.page import add_alarms

__all__ = ["add_alarms"]
