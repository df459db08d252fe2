"""Tests: the Prometheus HTTP API."""
