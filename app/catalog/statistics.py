"""Each metric's natural statistic: the one that CloudWatch's documentation calls meaningful.

The table is data (``data/*.yaml``), by namespace. A metric that is not listed has Average, as in
CloudWatch's own console.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

import yaml

from app.errors import ConfigurationError


class Statistic(StrEnum):
    """CloudWatch's standard statistics, spelt as GetMetricData spells them."""

    SUM = "Sum"
    SAMPLE_COUNT = "SampleCount"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"
    AVERAGE = "Average"


@dataclass(frozen=True, slots=True)
class StatisticCatalog:
    """Natural statistics by (namespace, metric), and dimensions that split a whole into parts.

    A breakdown dimension marks series that repeat or accompany what the series without it says:
    the capacity by ``Source`` is contained in the table's, the capacity of a
    ``GlobalSecondaryIndexName`` stands beside it. Neither may be added to the table's figure.
    """

    natural: dict[tuple[str, str], Statistic]
    breakdowns: dict[str, frozenset[str]]

    def natural_statistic(self, namespace: str, metric: str) -> Statistic:
        """The statistic that a metric's bare name stands for."""
        return self.natural.get((namespace, metric), Statistic.AVERAGE)

    def breakdown_level(self, namespace: str, dimensions: Iterable[str]) -> int:
        """How many dimensions make the series a part of, or an annex to, a more general one."""
        parts = self.breakdowns.get(namespace, frozenset())
        return sum(name in parts for name in dimensions)


@lru_cache(maxsize=1)
def load_statistic_catalog() -> StatisticCatalog:
    """The catalogue that ships with Hydrant."""
    natural: dict[tuple[str, str], Statistic] = {}
    breakdowns: dict[str, frozenset[str]] = {}
    for file in sorted(files("app.catalog").joinpath("data").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        namespace = content["namespace"]
        breakdowns[namespace] = frozenset(content.get("breakdown_dimensions", []))
        for statistic, metrics in content["natural_statistics"].items():
            for metric in metrics:
                if (namespace, metric) in natural:
                    raise ConfigurationError(f"{file.name}: {metric} is listed twice")
                natural[namespace, metric] = Statistic(statistic)
    return StatisticCatalog(natural, breakdowns)
