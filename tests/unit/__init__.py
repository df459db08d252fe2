"""Tests of one module at a time, laid out as app/ is."""
