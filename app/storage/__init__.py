"""The only place with SQL: tables, the writer, readers, for SQLite and PostgreSQL."""

from app.storage.columns import last_of_key
from app.storage.deliveries import (
    Delivery,
    delivery_digest,
    forget_deliveries,
    write_delivery,
)
from app.storage.dirty import count_marks, is_marked, mark_dirty, read_marks
from app.storage.entities import (
    metric_ids,
    read_label_sets,
    register_entities,
    register_label_sets,
    register_metrics,
    search_entities,
)
from app.storage.evaluations import write_minute
from app.storage.lookback import (
    newest_minute,
    newest_minute_of_metric,
    newest_minute_of_series,
)
from app.storage.minute_lock import lock_minute
from app.storage.point_minutes import minutes_with_points, newest_minutes, read_minutes
from app.storage.points import PointRange, read_minute_points, read_points
from app.storage.quarantine import QuarantinedBytes, count_quarantine, read_quarantine
from app.storage.series import SeriesFilter, list_metrics, read_identities, search_series
from app.storage.store import Connection, Store
from app.storage.value_ranges import ValueRange, read_values
from app.storage.values import ValueColumns, value_columns

__all__ = [
    "Connection",
    "Delivery",
    "PointRange",
    "QuarantinedBytes",
    "SeriesFilter",
    "Store",
    "ValueColumns",
    "ValueRange",
    "count_marks",
    "count_quarantine",
    "delivery_digest",
    "forget_deliveries",
    "is_marked",
    "last_of_key",
    "list_metrics",
    "lock_minute",
    "mark_dirty",
    "metric_ids",
    "minutes_with_points",
    "newest_minute",
    "newest_minute_of_metric",
    "newest_minute_of_series",
    "newest_minutes",
    "read_identities",
    "read_label_sets",
    "read_marks",
    "read_minute_points",
    "read_minutes",
    "read_points",
    "read_quarantine",
    "read_values",
    "register_entities",
    "register_label_sets",
    "register_metrics",
    "search_entities",
    "search_series",
    "value_columns",
    "write_delivery",
    "write_minute",
]
