"""Tests of PromQL: Prometheus' test language, run against series in memory."""

from app.promql.testing.memory import MemoryReader, MemorySeries
from app.promql.testing.running import Outcome, Result, run_file, run_script

__all__ = ["MemoryReader", "MemorySeries", "Outcome", "Result", "run_file", "run_script"]
