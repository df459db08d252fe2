"""Tests: mal."""
