"""Tests of app.dynamodb."""
