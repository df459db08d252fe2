"""Tests of app/promql."""
