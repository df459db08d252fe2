"""Tests: dashboards as data."""
