"""Tests: channels of alarms."""
