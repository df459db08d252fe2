"""The tables, as SQLAlchemy Core sees them; migrations/ makes them, docs/schema.md explains them.

Points and values are columns: a row holds arrays of what thousands of them have in common (ADR
0037). Big tables lead with the minute, counted from the Unix epoch. On PostgreSQL they are
partitioned by it, see app.storage.partitions.
"""

from typing import Any

import sqlalchemy as sa

from app.catalog.identity import DIGEST_BYTES
from app.storage.array_columns import DOUBLES, INTEGERS, LONG_INTEGERS

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LONGEST_REQUEST_ID = 256
"""Characters of a request id that are kept."""

_BY_MINUTE = "RANGE (minute)"

# Ids of rows that come and go must not run out; SQLite's INTEGER has 64 bits anyway.
_LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

series = sa.Table(
    "series",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.LargeBinary(DIGEST_BYTES), nullable=False, unique=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("dimensions", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Index(None, "namespace", "metric"),
)


def _point_payload() -> list[sa.Column[Any]]:
    """Arrays of one length n, and of the length m of the extra statistics."""
    return [
        sa.Column("series_id", INTEGERS, nullable=False),
        # NULL where all are 0, and where all periods are the tier's.
        sa.Column("offset_ms", INTEGERS),
        sa.Column("period_ms", LONG_INTEGERS),
        sa.Column("sample_count", DOUBLES, nullable=False),
        sa.Column("sum", DOUBLES, nullable=False),
        # NaN where a point has none.
        sa.Column("minimum", DOUBLES, nullable=False),
        sa.Column("maximum", DOUBLES, nullable=False),
        # 1 where a point was filled in from CloudWatch afterwards; NULL where none was.
        sa.Column("backfilled", INTEGERS),
        # All NULL where there is no extra statistic. The SampleCount and the origin are those of
        # the point that carried it: it counts only while the point that stands has the same ones,
        # which makes a restated point drop its old percentiles in any order.
        sa.Column("extra_series_id", INTEGERS),
        sa.Column("extra_offset_ms", INTEGERS),
        sa.Column("extra_statistic", INTEGERS),
        sa.Column("extra_value", DOUBLES),
        sa.Column("extra_sample_count", DOUBLES),
        sa.Column("extra_backfilled", INTEGERS),
        # A JSON array of names, which extra_statistic indexes from 0.
        sa.Column("extra_names", sa.Text),
    ]


# Points as deliveries brought them, until their minute is merged. The id is that of the mark in
# dirty_minute, so that later ones are greater.
point_batch = sa.Table(
    "point_batch",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("batch_id", sa.BigInteger, primary_key=True, autoincrement=False),
    *_point_payload(),
    postgresql_partition_by=_BY_MINUTE,
)


def _points(name: str) -> sa.Table:
    """Points of a tier by period: blocks of the series of one group, ordered by series and time."""
    return sa.Table(
        name,
        metadata,
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        # A number made of namespace and metric; two of them may have the same.
        sa.Column("group_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("first_series", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last_series", sa.Integer, nullable=False),
        *_point_payload(),
        postgresql_partition_by=_BY_MINUTE,
    )


point = _points("point")
point_5m = _points("point_5m")
point_1h = _points("point_1h")

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("digest", sa.LargeBinary(DIGEST_BYTES), primary_key=True),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("rejections", sa.Integer, nullable=False),
    sa.Index(None, "received_ms"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("quarantine_id", _LONG_ID, primary_key=True),
    sa.Column("digest", sa.LargeBinary(DIGEST_BYTES), nullable=False, unique=True),
    sa.Column("first_received_ms", sa.BigInteger, nullable=False),
    sa.Column("last_received_ms", sa.BigInteger, nullable=False),
    sa.Column("occurrences", sa.Integer, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("record", sa.Integer, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index(None, "last_received_ms"),
)

replay = sa.Table(
    "replay",
    metadata,
    sa.Column("digest", sa.LargeBinary(DIGEST_BYTES), primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("round", sa.BigInteger, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("points", sa.BigInteger, nullable=False),
    sa.Column("rejections", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("finished_ms", sa.BigInteger),
)

dirty_minute = sa.Table(
    "dirty_minute",
    metadata,
    sa.Column("mark_id", _LONG_ID, primary_key=True),
    sa.Column("minute", sa.Integer, nullable=False),
    # Without it SQLite would give a mark the id of one that was deleted.
    sqlite_autoincrement=True,
)

dirty_rollup = sa.Table(
    "dirty_rollup",
    metadata,
    sa.Column("mark_id", _LONG_ID, primary_key=True),
    sa.Column("tier", sa.Integer, nullable=False),
    sa.Column("minute", sa.Integer, nullable=False),
    sqlite_autoincrement=True,
)

kept = sa.Table(
    "kept",
    metadata,
    sa.Column("tier", sa.Integer, primary_key=True, autoincrement=False),
    # What is older has been deleted; whatever may still be there is not the whole.
    sa.Column("first_minute", sa.Integer, nullable=False),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    # Grows with every term; what is stored under a smaller one is refused.
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("renewals", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Integer, nullable=False),
)

entity = sa.Table(
    "entity",
    metadata,
    sa.Column("entity_id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.LargeBinary(DIGEST_BYTES), nullable=False, unique=True),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("process", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("dest_service", sa.Text, nullable=False),
    sa.Column("dest_instance", sa.Text, nullable=False),
    sa.Column("dest_process", sa.Text, nullable=False),
    sa.Column("detect_point", sa.Text, nullable=False),
    sa.Column("component", sa.Integer, nullable=False),
    sa.Column("properties", sa.Text, nullable=False),
    sa.Index(None, "service"),
)

label_set = sa.Table(
    "label_set",
    metadata,
    sa.Column("label_set_id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.LargeBinary(DIGEST_BYTES), nullable=False, unique=True),
    sa.Column("labels", sa.Text, nullable=False),
)

metric = sa.Table(
    "metric",
    metadata,
    sa.Column("metric_id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)


def _values(name: str, *columns: sa.Column[Any]) -> sa.Table:
    """Values of one metric in a minute or bucket, ordered by entity and label set."""
    return sa.Table(
        name,
        metadata,
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("metric_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entity_id", INTEGERS, nullable=False),
        sa.Column("label_set_id", INTEGERS, nullable=False),
        # NULL where each of them is its numerator divided by its weight.
        sa.Column("value", DOUBLES),
        # What an average is made of, so that longer periods are exact; NULL for other metrics,
        # NaN for single values of which it is not known.
        sa.Column("numerator", DOUBLES),
        sa.Column("weight", DOUBLES),
        *columns,
        postgresql_partition_by=_BY_MINUTE,
    )


def _rolled_up_values(name: str) -> sa.Table:
    # An average without weights stays exact over longer periods by the number of its minutes.
    return _values(name, sa.Column("minutes", INTEGERS, nullable=False))


metric_value = _values("metric_value")
metric_value_5m = _rolled_up_values("metric_value_5m")
metric_value_1h = _rolled_up_values("metric_value_1h")


# Settled hours: their minutes by series instead of by minute, see app.storage.packing.
packed_hour = sa.Table(
    "packed_hour",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    # Bit n is set where the hour's minute n has points, or values.
    sa.Column("point_minutes", sa.BigInteger, nullable=False),
    sa.Column("value_minutes", sa.BigInteger, nullable=False),
)

# In both, ``row`` is NULL where the block is dense: a row of 60 minutes for each key, NaN where
# there is none. Else it says the key of each value.
packed_value = sa.Table(
    "packed_value",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("metric_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first_entity", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_entity", sa.Integer, nullable=False),
    sa.Column("entity_id", INTEGERS, nullable=False),
    sa.Column("label_set_id", INTEGERS, nullable=False),
    sa.Column("row", INTEGERS),
    # The minute of the hour of each value, from 0.
    sa.Column("minute_of_hour", INTEGERS),
    # As in metric_value.
    sa.Column("value", DOUBLES),
    sa.Column("numerator", DOUBLES),
    sa.Column("weight", DOUBLES),
    # Of each key where in packed_point its row is, see app.storage.packed_sources; NaN here then.
    sa.Column("value_place", INTEGERS),
    sa.Column("numerator_place", INTEGERS),
    sa.Column("weight_place", INTEGERS),
    sa.Column("sources", sa.Text),
    postgresql_partition_by=_BY_MINUTE,
)

packed_point = sa.Table(
    "packed_point",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("group_id", sa.Integer, primary_key=True, autoincrement=False),
    # SampleCount, Sum, Minimum, Maximum, extra ones, and Backfilled, which is 1 where it is so.
    sa.Column("statistic", sa.Text, primary_key=True),
    sa.Column("first_series", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_series", sa.Integer, nullable=False),
    sa.Column("series_id", INTEGERS, nullable=False),
    sa.Column("row", INTEGERS),
    # From the start of the hour.
    sa.Column("start_ms", INTEGERS),
    sa.Column("period_ms", LONG_INTEGERS),
    sa.Column("value", DOUBLES, nullable=False),
    postgresql_partition_by=_BY_MINUTE,
)

VIEWS = (
    "v_points",
    "v_points_5m",
    "v_points_1h",
    "v_extra_statistics",
    "v_values",
    "v_values_5m",
    "v_values_1h",
)
"""Views that hide ids; the migrations spell them out."""

ROW_VIEWS = (
    "point_rows",
    "point_rows_5m",
    "point_rows_1h",
    "extra_statistic_rows",
    "value_rows",
    "value_rows_5m",
    "value_rows_1h",
)
"""What stands, with ids; the others are made of them."""
