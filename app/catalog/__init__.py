"""Identity: which series a point belongs to, its unit, and its metric's natural statistic."""

from app.catalog.describe import describe
from app.catalog.identity import SeriesIdentity
from app.catalog.origins import Labels, Origin, Origins
from app.catalog.registry import KnownSeries, Resolution, SeriesRegistry
from app.catalog.statistics import Statistic, StatisticCatalog, load_statistic_catalog

__all__ = [
    "KnownSeries",
    "Labels",
    "Origin",
    "Origins",
    "Resolution",
    "SeriesIdentity",
    "SeriesRegistry",
    "Statistic",
    "StatisticCatalog",
    "describe",
    "load_statistic_catalog",
]
