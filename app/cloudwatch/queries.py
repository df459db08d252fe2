"""What GetMetricData is asked for.

Limits and names are those of the API reference of GetMetricData and of the User Guide's list of
CloudWatch statistics.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types_boto3_cloudwatch.literals import StandardUnitType
    from types_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

MOST_QUERIES = 500
"""Queries of a call, one for each statistic of a series."""

MOST_DATA_POINTS = 100_800
"""Data points of an answer before it is cut into pages."""

STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")
"""What every point of a metric stream has."""

_NUMBER = r"\d+(\.\d+)?"
_BOUND = rf"({_NUMBER}%?)?"
_EXTENDED = re.compile(
    rf"p{_NUMBER}|(tm|wm|tc|ts){_NUMBER}|(TM|WM|TC|TS|PR)\({_BOUND}:{_BOUND}\)|IQM"
)


def is_statistic(name: str) -> bool:
    """Whether CloudWatch knows it as an extended statistic: ``p99.9``, ``TM(25%:75%)``, ``IQM``."""
    return _EXTENDED.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """A series and its statistics. ``account`` is another than that of the credentials.

    A ``unit`` restricts the answer to what was collected in it.
    """

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistics: tuple[str, ...]
    unit: str | None = None
    account: str | None = None

    def encoded(self, number: int) -> "list[MetricDataQueryTypeDef]":
        """A query of a period of 60 s for each statistic, with ids of the series' ``number``."""
        queries: list[MetricDataQueryTypeDef] = []
        for place, statistic in enumerate(self.statistics):
            query: MetricDataQueryTypeDef = {
                "Id": query_id(number, place),
                "MetricStat": {
                    "Metric": {
                        "Namespace": self.namespace,
                        "MetricName": self.metric,
                        "Dimensions": [{"Name": n, "Value": v} for n, v in self.dimensions],
                    },
                    "Period": 60,
                    "Stat": statistic,
                },
            }
            if self.unit is not None:
                query["MetricStat"]["Unit"] = cast("StandardUnitType", self.unit)
            if self.account is not None:
                query["AccountId"] = self.account
            queries.append(query)
        return queries


def query_id(number: int, place: int) -> str:
    """The id of a statistic of a series, by which its results are found in an answer."""
    return f"q{number}_{place}"
