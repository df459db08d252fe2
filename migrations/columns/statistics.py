"""Names of the statistics of ``packed_point``."""

BASIC = "'SampleCount', 'Sum', 'Minimum', 'Maximum', 'Backfilled'"
"""Statistics of ``packed_point`` that are not extra ones, and the mark of backfilled points."""
