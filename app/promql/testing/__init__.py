"""Tests of PromQL: Prometheus' test language, run against series in memory."""
