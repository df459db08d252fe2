"""app/promql/functions."""
