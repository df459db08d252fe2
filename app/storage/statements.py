"""The upserts, as text that both databases understand."""

from typing import NamedTuple


class Upsert(NamedTuple):
    """A table's columns, key first, and what happens to a row whose key exists."""

    table: str
    columns: tuple[str, ...]
    conflict: str

    def insert(self, source: str) -> str:
        """The statement, with ``VALUES (…)`` or a query as its source."""
        return f"INSERT INTO {self.table} ({', '.join(self.columns)}) {source} {self.conflict}"


UPSERT_POINTS = Upsert(
    "point",
    (
        "minute",
        "series_id",
        "offset_ms",
        "period_ms",
        "sample_count",
        "sum",
        "minimum",
        "maximum",
    ),
    """
    ON CONFLICT (minute, series_id, offset_ms) DO UPDATE SET
        period_ms = excluded.period_ms, sample_count = excluded.sample_count,
        sum = excluded.sum, minimum = excluded.minimum, maximum = excluded.maximum
    WHERE excluded.sample_count > point.sample_count
       OR (excluded.sample_count = point.sample_count
           AND (excluded.sum <> point.sum
                OR excluded.period_ms <> point.period_ms
                OR excluded.minimum IS DISTINCT FROM point.minimum
                OR excluded.maximum IS DISTINCT FROM point.maximum))
    """,
)

UPSERT_EXTRAS = Upsert(
    "extra_statistic",
    ("minute", "series_id", "offset_ms", "statistic", "value", "sample_count"),
    """
    ON CONFLICT (minute, series_id, offset_ms, statistic) DO UPDATE SET
        value = excluded.value, sample_count = excluded.sample_count
    WHERE excluded.sample_count > extra_statistic.sample_count
       OR (excluded.sample_count = extra_statistic.sample_count
           AND excluded.value <> extra_statistic.value)
    """,
)

UPSERT_VALUES = Upsert(
    "metric_value",
    ("minute", "metric_id", "entity_id", "label_set_id", "value", "numerator", "weight"),
    """
    ON CONFLICT (minute, metric_id, entity_id, label_set_id) DO UPDATE SET
        value = excluded.value, numerator = excluded.numerator, weight = excluded.weight
    """,
)

INSERT_SERIES = Upsert(
    "series",
    ("digest", "account", "region", "namespace", "metric", "dimensions", "unit", "kind"),
    "ON CONFLICT (digest) DO NOTHING",
)
