"""Tests: dashboards, against Grafana's model and the metrics that rules define."""
