"""CloudWatch asked back: GetMetricData and ListMetrics through boto3, where it is installed."""

from app.cloudwatch.client import Answer, CloudWatch, SeriesAnswer
from app.cloudwatch.queries import (
    MOST_DATA_POINTS,
    MOST_QUERIES,
    STATISTICS,
    SeriesQuery,
    is_statistic,
)
from app.cloudwatch.session import Session

__all__ = [
    "MOST_DATA_POINTS",
    "MOST_QUERIES",
    "STATISTICS",
    "Answer",
    "CloudWatch",
    "SeriesAnswer",
    "SeriesQuery",
    "Session",
    "is_statistic",
]
