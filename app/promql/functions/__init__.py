"""The functions of PromQL, by name."""
