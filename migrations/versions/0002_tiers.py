"""Tiers of 5 minutes and 1 hour, what is kept of each tier, and entities of every scope."""

import json
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DIGEST = sa.LargeBinary(16)
_LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIERS = {"5m": 5, "1h": 60}
_OLD_KEY = "uq_entity_service_endpoint_region_scope_layer"
_NEW_PARTS = (
    "instance",
    "process",
    "dest_service",
    "dest_instance",
    "dest_process",
    "detect_point",
)


def upgrade() -> None:
    """Add the tiers, mark what is there to be rolled up, and widen the table of entities."""
    # What the old view reads is about to change under it.
    op.execute("DROP VIEW v_values")
    for suffix in _TIERS:
        _create_tier(suffix)
    _create_marks()
    _mark_what_is_there()
    _widen_entities()
    op.create_index("ix_quarantine_last_received_ms", "quarantine", ["last_received_ms"])
    for name, query in _views().items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    """Drop the tiers, and the entities that 0001 has no place for."""
    for name in _views():
        op.execute(f"DROP VIEW {name}")
    op.drop_index("ix_quarantine_last_received_ms", "quarantine")
    op.execute("DELETE FROM entity WHERE scope NOT IN ('service', 'endpoint')")
    op.drop_index("ix_entity_service", "entity")
    with op.batch_alter_table("entity") as batch:
        batch.drop_constraint("uq_entity_digest", type_="unique")
        for name in ("digest", *_NEW_PARTS, "component", "properties"):
            batch.drop_column(name)
        batch.create_unique_constraint(
            _OLD_KEY, ["service", "endpoint", "region", "scope", "layer"]
        )
    for suffix in _TIERS:
        op.drop_table(f"metric_value_{suffix}")
        op.drop_table(f"point_{suffix}")
    op.drop_table("dirty_rollup")
    op.drop_table("kept")
    op.execute(f"CREATE VIEW v_values AS {_OLD_VALUES}")


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def _create_tier(suffix: str) -> None:
    op.create_table(
        f"point_{suffix}",
        _key("minute"),
        _key("series_id"),
        _key("offset_ms"),
        sa.Column("period_ms", sa.BigInteger, nullable=False),
        sa.Column("sample_count", sa.Double, nullable=False),
        sa.Column("sum", sa.Double, nullable=False),
        sa.Column("minimum", sa.Double),
        sa.Column("maximum", sa.Double),
        sa.PrimaryKeyConstraint("minute", "series_id", "offset_ms", name=f"pk_point_{suffix}"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        f"metric_value_{suffix}",
        _key("minute"),
        _key("metric_id"),
        _key("entity_id"),
        _key("label_set_id"),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("numerator", sa.Double),
        sa.Column("weight", sa.Double),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "metric_id", "entity_id", "label_set_id", name=f"pk_metric_value_{suffix}"
        ),
        sqlite_with_rowid=False,
    )


def _create_marks() -> None:
    op.create_table(
        "dirty_rollup",
        sa.Column("mark_id", _LONG_ID, primary_key=True),
        sa.Column("tier", sa.Integer, nullable=False),
        sa.Column("minute", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("mark_id", name="pk_dirty_rollup"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "kept",
        _key("tier"),
        sa.Column("first_minute", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tier", name="pk_kept"),
    )
    kept = sa.table("kept", sa.column("tier"), sa.column("first_minute"))
    rows = [{"tier": tier, "first_minute": 0} for tier in (1, *_TIERS.values())]
    op.bulk_insert(kept, rows)


def _mark_what_is_there() -> None:
    """Mark every bucket that has points or values, hopping along the keys."""
    for table in ("point", "metric_value"):
        for tier in _TIERS.values():
            op.execute(f"""
                INSERT INTO dirty_rollup (tier, minute)
                WITH RECURSIVE hop(minute) AS (
                    SELECT MIN(minute) FROM {table}
                    UNION ALL
                    SELECT (SELECT MIN(t.minute) FROM {table} t
                            WHERE t.minute >= hop.minute - hop.minute % {tier} + {tier})
                    FROM hop WHERE hop.minute IS NOT NULL
                )
                SELECT {tier}, minute - minute % {tier} FROM hop WHERE minute IS NOT NULL
            """)  # noqa: S608 - constants


def _widen_entities() -> None:
    with op.batch_alter_table("entity") as batch:
        batch.drop_constraint(_OLD_KEY, type_="unique")
        batch.add_column(sa.Column("digest", _DIGEST))
        for name in _NEW_PARTS:
            batch.add_column(sa.Column(name, sa.Text, nullable=False, server_default=""))
        batch.add_column(sa.Column("component", sa.Integer, nullable=False, server_default="0"))
        batch.add_column(sa.Column("properties", sa.Text, nullable=False, server_default="{}"))
    _fill_digests()
    with op.batch_alter_table("entity") as batch:
        batch.alter_column("digest", existing_type=_DIGEST, nullable=False)
        for name in (*_NEW_PARTS, "properties"):
            batch.alter_column(name, existing_type=sa.Text, server_default=None)
        batch.alter_column("component", existing_type=sa.Integer, server_default=None)
        batch.create_unique_constraint("uq_entity_digest", ["digest"])
    op.create_index("ix_entity_service", "entity", ["service"])


def _fill_digests() -> None:
    """Give the entities of 0001 the digest of their canonical form, as it is at this revision."""
    entity = sa.table(
        "entity",
        *(sa.column(n) for n in ("entity_id", "scope", "layer", "service", "endpoint", "region")),
        sa.column("digest", _DIGEST),
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(*entity.c)).all()
    digests = [{"id": row.entity_id, "new": _digest(row)} for row in rows]
    if digests:
        connection.execute(
            sa.update(entity)
            .where(entity.c.entity_id == sa.bindparam("id"))
            .values(digest=sa.bindparam("new", type_=_DIGEST)),
            digests,
        )


def _digest(row: sa.Row[Any]) -> bytes:
    parts = [row.scope, row.layer, row.service, "", row.endpoint, "", row.region, "", "", "", "", 0]
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).digest()


def _views() -> dict[str, str]:
    views = {f"v_points_{suffix}": _POINTS.format(table=f"point_{suffix}") for suffix in _TIERS}
    views["v_values"] = _VALUES.format(table="metric_value", more="")
    for suffix in _TIERS:
        table = f"metric_value_{suffix}"
        views[f"v_values_{suffix}"] = _VALUES.format(table=table, more=", v.minutes")
    return views


# Spelt out here: a migration must not change when the views of a later release do.
_POINTS = """
    SELECT s.account, s.region, s.namespace, s.metric, s.dimensions, s.unit, p.minute,
           CAST(p.minute AS BIGINT) * 60000 + p.offset_ms AS start_ms, p.period_ms,
           p.sample_count, p.sum, p.minimum, p.maximum
    FROM {table} p JOIN series s ON s.series_id = p.series_id
"""
_VALUES = """
    SELECT m.name AS metric, e.scope, e.layer, e.service, e.instance, e.endpoint, e.process,
           e.region, e.dest_service, e.dest_instance, e.dest_process, e.detect_point,
           e.component, l.labels, v.minute,
           CAST(v.minute AS BIGINT) * 60000 AS start_ms, v.value{more}
    FROM {table} v
    JOIN metric m ON m.metric_id = v.metric_id
    JOIN entity e ON e.entity_id = v.entity_id
    JOIN label_set l ON l.label_set_id = v.label_set_id
"""
_OLD_VALUES = """
    SELECT m.name AS metric, e.layer, e.service, e.endpoint, e.region, l.labels, v.minute,
           CAST(v.minute AS BIGINT) * 60000 AS start_ms, v.value
    FROM metric_value v
    JOIN metric m ON m.metric_id = v.metric_id
    JOIN entity e ON e.entity_id = v.entity_id
    JOIN label_set l ON l.label_set_id = v.label_set_id
"""
