"""The database as Prometheus sees it: names and labels, samples for PromQL, lists for the API."""

from app.query.prometheus.catalog import MatcherSets, PrometheusCatalog
from app.query.prometheus.data import Opened, PrometheusData
from app.query.prometheus.metadata import Metadata
from app.query.prometheus.stored_reader import StoredReader

__all__ = [
    "MatcherSets",
    "Metadata",
    "Opened",
    "PrometheusCatalog",
    "PrometheusData",
    "StoredReader",
]
