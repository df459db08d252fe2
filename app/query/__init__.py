"""Questions answered: statistics over periods, metrics over steps. Pure over what storage reads."""

from app.query.explanations import Answer, Question, explain_metric, unknown_metric
from app.query.labelled import (
    Metric,
    NamedSeries,
    ValueQuestion,
    read_series,
    read_series_of_page,
)
from app.query.matching import LabelPairs, matches_name, name_value_pairs
from app.query.metrics import MetricSeries, combine_steps
from app.query.percentiles import LabelledSeries, percentiles_of_buckets
from app.query.ranking import Grouping, Ranked, parse_grouping, rank_values
from app.query.resolution import choose_tier
from app.query.statistics import (
    STANDARD_STATISTICS,
    StatisticSeries,
    check_statistics,
    statistics_over_periods,
)
from app.query.times import parse_period_ms, parse_time_ms
from app.query.whole_range import read_whole_range, whole_range

__all__ = [
    "STANDARD_STATISTICS",
    "Answer",
    "Grouping",
    "LabelPairs",
    "LabelledSeries",
    "Metric",
    "MetricSeries",
    "NamedSeries",
    "Question",
    "Ranked",
    "StatisticSeries",
    "ValueQuestion",
    "check_statistics",
    "choose_tier",
    "combine_steps",
    "explain_metric",
    "matches_name",
    "name_value_pairs",
    "parse_grouping",
    "parse_period_ms",
    "parse_time_ms",
    "percentiles_of_buckets",
    "rank_values",
    "read_series",
    "read_series_of_page",
    "read_whole_range",
    "statistics_over_periods",
    "unknown_metric",
    "whole_range",
]
