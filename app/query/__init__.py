"""Questions answered: statistics over periods, metrics over steps. Pure over what storage reads."""

from app.query.explanations import Answer, Question, explain_metric, unknown_metric
from app.query.metrics import MetricSeries, combine_steps
from app.query.percentiles import LabelledSeries, percentiles_of_buckets
from app.query.resolution import choose_tier
from app.query.statistics import StatisticSeries, check_statistics, statistics_over_periods
from app.query.times import parse_period_ms, parse_time_ms

__all__ = [
    "Answer",
    "LabelledSeries",
    "MetricSeries",
    "Question",
    "StatisticSeries",
    "check_statistics",
    "choose_tier",
    "combine_steps",
    "explain_metric",
    "parse_period_ms",
    "parse_time_ms",
    "percentiles_of_buckets",
    "statistics_over_periods",
    "unknown_metric",
]
