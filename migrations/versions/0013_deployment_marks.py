"""Marks of deployments and other events that people want to see beside their metrics."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only where the column is its INTEGER.
_LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_VIEW = """
    SELECT at_ms, ended_ms, text, account, region, table_name, url, author, created_ms, key,
           mark_id
    FROM deployment_mark
"""


def upgrade() -> None:
    """Add one small table; the previous release does not know it and is not disturbed."""
    op.create_table(
        "deployment_mark",
        sa.Column("mark_id", _LONG_ID, nullable=False),
        sa.Column("key", sa.Text, nullable=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("text", "account", "region", "table_name", "url", "author")
        ),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("mark_id", name="pk_deployment_mark"),
        sa.UniqueConstraint("key", name="uq_deployment_mark_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deployment_mark_at_ms", "deployment_mark", ["at_ms"])
    op.execute(f"CREATE VIEW v_marks AS {_VIEW}")


def downgrade() -> None:
    """Forget the marks; metrics and alarms are not concerned."""
    op.execute("DROP VIEW v_marks")
    op.drop_table("deployment_mark")
