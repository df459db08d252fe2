"""Tests: notifications of alarms."""
