"""Tests: promql, testing."""
