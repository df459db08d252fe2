"""The tables, as SQLAlchemy Core sees them; migrations/ makes them, docs/schema.md explains them.

Big tables lead with the minute: a minute's rows are written together, so they land on neighbouring
pages, and the evaluator reads them as one range. Minutes are counted from the Unix epoch. On
PostgreSQL they are partitioned by it, see app.storage.partitions.
"""

import sqlalchemy as sa

from app.catalog.identity import DIGEST_BYTES

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


def _points(name: str, *columns: sa.Column[bool]) -> sa.Table:
    """Statistics of series by period; the same columns in every tier."""
    return sa.Table(
        name,
        metadata,
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("offset_ms", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("period_ms", sa.BigInteger, nullable=False),
        sa.Column("sample_count", sa.Double, nullable=False),
        sa.Column("sum", sa.Double, nullable=False),
        sa.Column("minimum", sa.Double),
        sa.Column("maximum", sa.Double),
        *columns,
        sqlite_with_rowid=False,
        postgresql_partition_by=_BY_MINUTE,
    )


# Whether it was filled in from CloudWatch afterwards: true, or NULL for all that came as a stream.
point = _points("point", sa.Column("backfilled", sa.Boolean))
point_5m = _points("point_5m")
point_1h = _points("point_1h")

extra_statistic = sa.Table(
    "extra_statistic",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("offset_ms", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("statistic", sa.Text, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    # The SampleCount of the point that carried it: the value counts only while the stored point
    # has the same one, which makes a restated point drop its old percentiles in any order.
    sa.Column("sample_count", sa.Double, nullable=False),
    # In the same way, it counts only while the stored point is backfilled or streamed as it is.
    sa.Column("backfilled", sa.Boolean),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_MINUTE,
)

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


def _values(name: str, *columns: sa.Column[int]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("metric_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entity_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("label_set_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Double, nullable=False),
        # What an average is made of, so that longer periods are exact; NULL for other metrics.
        sa.Column("numerator", sa.Double),
        sa.Column("weight", sa.Double),
        *columns,
        sqlite_with_rowid=False,
        postgresql_partition_by=_BY_MINUTE,
    )


def _rolled_up_values(name: str) -> sa.Table:
    # An average without weights stays exact over longer periods by the number of its minutes.
    return _values(name, sa.Column("minutes", sa.Integer, nullable=False))


metric_value = _values("metric_value")
metric_value_5m = _rolled_up_values("metric_value_5m")
metric_value_1h = _rolled_up_values("metric_value_1h")


# The minutes of a settled hour once more, for queries: see app.storage.packing.
packed_hour = sa.Table(
    "packed_hour",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
)

packed_value = sa.Table(
    "packed_value",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("metric_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first_entity", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_entity", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    postgresql_partition_by=_BY_MINUTE,
)

packed_point = sa.Table(
    "packed_point",
    metadata,
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    # A number made of namespace and metric; two of them may have the same.
    sa.Column("group_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("statistic", sa.Text, primary_key=True),
    sa.Column("first_series", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_series", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    postgresql_partition_by=_BY_MINUTE,
)


def _stream_key() -> tuple[sa.Column[str], ...]:
    return tuple(
        sa.Column(name, sa.Text, primary_key=True) for name in ("account", "region", "stream")
    )


stream = sa.Table(
    "stream",
    metadata,
    *_stream_key(),
    sa.Column("source", sa.Text, nullable=False),
    # Of all times here, 0 is never: the greater one counts, on both databases.
    sa.Column("first_seen_ms", sa.BigInteger, nullable=False),
    sa.Column("last_request_ms", sa.BigInteger, nullable=False),
    sa.Column("last_received_ms", sa.BigInteger, nullable=False),
    sa.Column("newest_ms", sa.BigInteger, nullable=False),
    sa.Column("newest_end_ms", sa.BigInteger, nullable=False),
    sa.Column("points", sa.BigInteger, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("rejected_records", sa.BigInteger, nullable=False),
    sa.Column("request_bytes", sa.BigInteger, nullable=False),
    sa.Column("last_request_bytes", sa.BigInteger, nullable=False),
    sa.Column("largest_request_bytes", sa.BigInteger, nullable=False),
)

stream_part = sa.Table(
    "stream_part",
    metadata,
    *_stream_key(),
    sa.Column("aspect", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("occurrences", sa.BigInteger, nullable=False),
)

stream_window = sa.Table(
    "stream_window",
    metadata,
    *_stream_key(),
    sa.Column("start_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("points", sa.BigInteger, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("rejected_records", sa.BigInteger, nullable=False),
    sa.Column("lag_ms", sa.BigInteger, nullable=False),
)

stream_warning = sa.Table(
    "stream_warning",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    *_stream_key(),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("raised_ms", sa.BigInteger, nullable=False),
)

refused_key = sa.Table(
    "refused_key",
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("occurrences", sa.BigInteger, nullable=False),
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
