"""Tests of app.streams."""
