"""Alarms: rules over data time, states and incidents in SQL, notifications that arrive."""
