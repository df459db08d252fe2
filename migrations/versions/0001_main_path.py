"""The tables of the main path: series, points, deliveries, quarantine, entities and values."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_DIGEST = sa.LargeBinary(16)
_LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "series",
        sa.Column("series_id", sa.Integer, primary_key=True),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("dimensions", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("series_id", name="pk_series"),
        sa.UniqueConstraint("digest", name="uq_series_digest"),
    )
    op.create_index("ix_series_namespace_metric", "series", ["namespace", "metric"])
    op.create_table(
        "point",
        _key("minute"),
        _key("series_id"),
        _key("offset_ms"),
        sa.Column("period_ms", sa.BigInteger, nullable=False),
        sa.Column("sample_count", sa.Double, nullable=False),
        sa.Column("sum", sa.Double, nullable=False),
        sa.Column("minimum", sa.Double),
        sa.Column("maximum", sa.Double),
        sa.PrimaryKeyConstraint("minute", "series_id", "offset_ms", name="pk_point"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "extra_statistic",
        _key("minute"),
        _key("series_id"),
        _key("offset_ms"),
        sa.Column("statistic", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("sample_count", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "series_id", "offset_ms", "statistic", name="pk_extra_statistic"
        ),
        sqlite_with_rowid=False,
    )
    _create_deliveries()
    _create_values()
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _create_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("rejections", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_delivery"),
    )
    op.create_index("ix_delivery_received_ms", "delivery", ["received_ms"])
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", _LONG_ID, primary_key=True),
        sa.Column("digest", _DIGEST, nullable=False),
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
        sa.PrimaryKeyConstraint("quarantine_id", name="pk_quarantine"),
        sa.UniqueConstraint("digest", name="uq_quarantine_digest"),
    )
    op.create_table(
        "dirty_minute",
        sa.Column("mark_id", _LONG_ID, primary_key=True),
        sa.Column("minute", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("mark_id", name="pk_dirty_minute"),
        sqlite_autoincrement=True,
    )


def _create_values() -> None:
    op.create_table(
        "entity",
        sa.Column("entity_id", sa.Integer, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("layer", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("entity_id", name="pk_entity"),
        sa.UniqueConstraint(
            "service",
            "endpoint",
            "region",
            "scope",
            "layer",
            name="uq_entity_service_endpoint_region_scope_layer",
        ),
    )
    op.create_table(
        "label_set",
        sa.Column("label_set_id", sa.Integer, primary_key=True),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("label_set_id", name="pk_label_set"),
        sa.UniqueConstraint("digest", name="uq_label_set_digest"),
    )
    op.create_table(
        "metric",
        sa.Column("metric_id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("metric_id", name="pk_metric"),
        sa.UniqueConstraint("name", name="uq_metric_name"),
    )
    op.create_table(
        "metric_value",
        _key("minute"),
        _key("metric_id"),
        _key("entity_id"),
        _key("label_set_id"),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("numerator", sa.Double),
        sa.Column("weight", sa.Double),
        sa.PrimaryKeyConstraint(
            "minute", "metric_id", "entity_id", "label_set_id", name="pk_metric_value"
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop everything."""
    for name in _VIEWS:
        op.execute(f"DROP VIEW {name}")
    for table in (
        "metric_value",
        "metric",
        "label_set",
        "entity",
        "dirty_minute",
        "quarantine",
        "delivery",
        "extra_statistic",
        "point",
        "series",
    ):
        op.drop_table(table)


# Spelt out here: a migration must not change when the views of a later release do.
_VIEWS = {
    "v_points": """
        SELECT s.account, s.region, s.namespace, s.metric, s.dimensions, s.unit, p.minute,
               CAST(p.minute AS BIGINT) * 60000 + p.offset_ms AS start_ms, p.period_ms,
               p.sample_count, p.sum, p.minimum, p.maximum
        FROM point p JOIN series s ON s.series_id = p.series_id
    """,
    "v_extra_statistics": """
        SELECT s.account, s.region, s.namespace, s.metric, s.dimensions, s.unit, e.minute,
               CAST(e.minute AS BIGINT) * 60000 + e.offset_ms AS start_ms, e.statistic, e.value
        FROM extra_statistic e
        JOIN point p ON p.minute = e.minute AND p.series_id = e.series_id
                    AND p.offset_ms = e.offset_ms AND p.sample_count = e.sample_count
        JOIN series s ON s.series_id = e.series_id
    """,
    "v_values": """
        SELECT m.name AS metric, e.layer, e.service, e.endpoint, e.region, l.labels, v.minute,
               CAST(v.minute AS BIGINT) * 60000 AS start_ms, v.value
        FROM metric_value v
        JOIN metric m ON m.metric_id = v.metric_id
        JOIN entity e ON e.entity_id = v.entity_id
        JOIN label_set l ON l.label_set_id = v.label_set_id
    """,
}
