"""The table of marks that people set beside their metrics, and its view."""

import sqlalchemy as sa

from app.storage.tables import metadata

deployment_mark = sa.Table(
    "deployment_mark",
    metadata,
    sa.Column("mark_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    # What whoever set it calls it, so that setting it again changes it.
    sa.Column("key", sa.Text, unique=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    # NULL for what took no time.
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("text", sa.Text, nullable=False),
    # Empty: of any.
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    # By our clock.
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "at_ms"),
    sqlite_autoincrement=True,
)

MARK_VIEWS = ("v_marks",)
