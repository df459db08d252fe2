"""Tests: alarms."""
