"""The upserts, as text that both databases understand."""

from typing import NamedTuple


class Upsert(NamedTuple):
    """A table's columns with their PostgreSQL types, key first, and what a known key leads to.

    ``keys`` is how many columns the key has. Upserts of one table with different columns differ in
    ``stage``, which is part of the name of a staging table.
    """

    table: str
    types: dict[str, str]
    keys: int
    conflict: str
    stage: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order in which their values are given."""
        return tuple(self.types)

    def insert(self, source: str) -> str:
        """The statement, with ``VALUES (…)`` or a query as its source."""
        return f"INSERT INTO {self.table} ({', '.join(self.types)}) {source} {self.conflict}"


_STANDS_AGAINST_POINT = """
        excluded.sample_count > point.sample_count
        OR (excluded.sample_count = point.sample_count
            AND (excluded.sum <> point.sum
                 OR excluded.period_ms <> point.period_ms
                 OR excluded.minimum IS DISTINCT FROM point.minimum
                 OR excluded.maximum IS DISTINCT FROM point.maximum))
"""
_STANDS_AGAINST_EXTRA = """
        excluded.sample_count > extra_statistic.sample_count
        OR (excluded.sample_count = extra_statistic.sample_count
            AND excluded.value <> extra_statistic.value)
"""

UPSERT_POINTS = Upsert(
    "point",
    {
        "minute": "int4",
        "series_id": "int4",
        "offset_ms": "int4",
        "period_ms": "int8",
        "sample_count": "float8",
        "sum": "float8",
        "minimum": "float8",
        "maximum": "float8",
    },
    3,
    f"""
    ON CONFLICT (minute, series_id, offset_ms) DO UPDATE SET
        period_ms = excluded.period_ms, sample_count = excluded.sample_count,
        sum = excluded.sum, minimum = excluded.minimum, maximum = excluded.maximum,
        backfilled = NULL
    WHERE point.backfilled IS NOT NULL OR {_STANDS_AGAINST_POINT}
    """,
)
"""Insert streamed points, or replace stored ones that the new ones stand against.

A higher SampleCount stands; at equal SampleCount other values do. Anything else, an identical
redelivery above all, changes nothing. Against a backfilled point any streamed one stands.
"""

UPSERT_EXTRAS = Upsert(
    "extra_statistic",
    {
        "minute": "int4",
        "series_id": "int4",
        "offset_ms": "int4",
        "statistic": "text",
        "value": "float8",
        "sample_count": "float8",
    },
    4,
    f"""
    ON CONFLICT (minute, series_id, offset_ms, statistic) DO UPDATE SET
        value = excluded.value, sample_count = excluded.sample_count, backfilled = NULL
    WHERE extra_statistic.backfilled IS NOT NULL OR {_STANDS_AGAINST_EXTRA}
    """,
)
"""Insert extra statistics of streamed points; one stands against another as their points do."""

UPSERT_BACKFILLED_POINTS = Upsert(
    "point",
    {**UPSERT_POINTS.types, "backfilled": "bool"},
    UPSERT_POINTS.keys,
    f"""
    ON CONFLICT (minute, series_id, offset_ms) DO UPDATE SET
        period_ms = excluded.period_ms, sample_count = excluded.sample_count,
        sum = excluded.sum, minimum = excluded.minimum, maximum = excluded.maximum
    WHERE point.backfilled IS NOT NULL AND ({_STANDS_AGAINST_POINT})
    """,
    stage="backfilled",
)
"""Insert backfilled points. They stand against backfilled ones alone, by the same rule."""

UPSERT_BACKFILLED_EXTRAS = Upsert(
    "extra_statistic",
    {**UPSERT_EXTRAS.types, "backfilled": "bool"},
    UPSERT_EXTRAS.keys,
    f"""
    ON CONFLICT (minute, series_id, offset_ms, statistic) DO UPDATE SET
        value = excluded.value, sample_count = excluded.sample_count
    WHERE extra_statistic.backfilled IS NOT NULL AND ({_STANDS_AGAINST_EXTRA})
    """,
    stage="backfilled",
)
"""Insert extra statistics of backfilled points."""

UPSERT_VALUES = Upsert(
    "metric_value",
    {
        "minute": "int4",
        "metric_id": "int4",
        "entity_id": "int4",
        "label_set_id": "int4",
        "value": "float8",
        "numerator": "float8",
        "weight": "float8",
    },
    4,
    """
    ON CONFLICT (minute, metric_id, entity_id, label_set_id) DO UPDATE SET
        value = excluded.value, numerator = excluded.numerator, weight = excluded.weight
    """,
)
"""Insert or replace values of metrics."""

_POINT_TIER = Upsert(
    "",
    UPSERT_POINTS.types,
    UPSERT_POINTS.keys,
    """
    ON CONFLICT (minute, series_id, offset_ms) DO UPDATE SET
        period_ms = excluded.period_ms, sample_count = excluded.sample_count,
        sum = excluded.sum, minimum = excluded.minimum, maximum = excluded.maximum
    """,
)
_VALUE_TIER = Upsert(
    "",
    {**UPSERT_VALUES.types, "minutes": "int4"},
    UPSERT_VALUES.keys,
    f"{UPSERT_VALUES.conflict.rstrip()}, minutes = excluded.minutes",
)


def upsert_rolled_up(table: str) -> Upsert:
    """Insert or replace rows of a table of rolled-up points or values; the latest result stands."""
    tier = _POINT_TIER if table.startswith("point") else _VALUE_TIER
    return tier._replace(table=table)


UPSERT_PACKED_VALUES = Upsert(
    "packed_value",
    {
        "minute": "int4",
        "metric_id": "int4",
        "first_entity": "int4",
        "last_entity": "int4",
        "data": "bytea",
    },
    3,
    """
    ON CONFLICT (minute, metric_id, first_entity) DO UPDATE SET
        last_entity = excluded.last_entity, data = excluded.data
    """,
)
"""Insert or replace blocks of values."""

UPSERT_PACKED_POINTS = Upsert(
    "packed_point",
    {
        "minute": "int4",
        "group_id": "int4",
        "statistic": "text",
        "first_series": "int4",
        "last_series": "int4",
        "data": "bytea",
    },
    4,
    """
    ON CONFLICT (minute, group_id, statistic, first_series) DO UPDATE SET
        last_series = excluded.last_series, data = excluded.data
    """,
)
"""Insert or replace blocks of points."""

INSERT_SERIES = Upsert(
    "series",
    {
        "digest": "bytea",
        "account": "text",
        "region": "text",
        "namespace": "text",
        "metric": "text",
        "dimensions": "text",
        "unit": "text",
        "kind": "text",
    },
    1,
    "ON CONFLICT DO NOTHING",
)
"""Insert series; those whose digest exists already are left as they are."""

INSERT_ENTITIES = Upsert(
    "entity",
    {
        "digest": "bytea",
        "scope": "text",
        "layer": "text",
        "service": "text",
        "instance": "text",
        "endpoint": "text",
        "process": "text",
        "region": "text",
        "dest_service": "text",
        "dest_instance": "text",
        "dest_process": "text",
        "detect_point": "text",
        "component": "int4",
        "properties": "text",
    },
    1,
    "ON CONFLICT DO NOTHING",
)
"""Insert entities; those whose digest exists already are left as they are."""

INSERT_LABEL_SETS = Upsert(
    "label_set", {"digest": "bytea", "labels": "text"}, 1, "ON CONFLICT DO NOTHING"
)
"""Insert label sets; those whose digest exists already are left as they are."""
