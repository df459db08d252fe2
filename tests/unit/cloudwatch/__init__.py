"""Tests: asking CloudWatch."""
