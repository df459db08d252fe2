"""Points and their extra statistics say whether they were filled in from CloudWatch (ADR 0025).

A column that may be NULL and has no default is added in an instant, and the release before, which
names the columns that it writes, goes on writing: its points are streamed ones.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = ("point", "extra_statistic")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("backfilled", sa.Boolean))
    postgresql = op.get_context().dialect.name == "postgresql"
    for name, query in _VIEWS.items():
        if not postgresql:
            op.execute(f"DROP VIEW {name}")
        # Replaced, it keeps its grants, and the views of others that read it.
        op.execute(f"CREATE {'OR REPLACE ' if postgresql else ''}VIEW {name} AS {query}")


def downgrade() -> None:
    """The points stay; which of them were filled in is forgotten."""
    for name in _OLD_VIEWS:
        op.execute(f"DROP VIEW {name}")
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN backfilled")
    for name, query in _OLD_VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


# Spelt out here: a migration must not change when the views of a later release do.
_POINTS = """
    SELECT s.account, s.region, s.namespace, s.metric, s.dimensions, s.unit, p.minute,
           CAST(p.minute AS BIGINT) * 60000 + p.offset_ms AS start_ms, p.period_ms,
           p.sample_count, p.sum, p.minimum, p.maximum{more}
    FROM point p JOIN series s ON s.series_id = p.series_id
"""
_EXTRAS = """
    SELECT s.account, s.region, s.namespace, s.metric, s.dimensions, s.unit, e.minute,
           CAST(e.minute AS BIGINT) * 60000 + e.offset_ms AS start_ms, e.statistic, e.value
    FROM extra_statistic e
    JOIN point p ON p.minute = e.minute AND p.series_id = e.series_id
                AND p.offset_ms = e.offset_ms AND p.sample_count = e.sample_count{more}
    JOIN series s ON s.series_id = e.series_id
"""
_VIEWS = {
    "v_points": _POINTS.format(
        more=", CASE WHEN p.backfilled IS NULL THEN 0 ELSE 1 END AS backfilled"
    ),
    "v_extra_statistics": _EXTRAS.format(
        more=" AND (p.backfilled IS NULL) = (e.backfilled IS NULL)"
    ),
}
_OLD_VIEWS = {
    "v_points": _POINTS.format(more=""),
    "v_extra_statistics": _EXTRAS.format(more=""),
}
