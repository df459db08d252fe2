"""Evaluation of PromQL trees, for all steps at once."""
