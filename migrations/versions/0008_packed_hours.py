"""Minutes of settled hours are stored once more as compressed blocks, for queries (ADR 0028).

The blocks of an hour count while ``packed_hour`` has it. The trigger takes it out of there whenever
the hour is marked: a release that knows nothing of blocks rolls up and deletes its marks as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BY_MINUTE = "RANGE (minute)"
_BLOCKS = ("packed_value", "packed_point")


def upgrade() -> None:
    op.create_table(
        "packed_hour",
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    )
    op.create_table(
        "packed_value",
        *_key("minute", "metric_id", "first_entity"),
        sa.Column("last_entity", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        postgresql_partition_by=_BY_MINUTE,
    )
    op.create_table(
        "packed_point",
        *_key("minute", "group_id"),
        sa.Column("statistic", sa.Text, primary_key=True),
        *_key("first_series"),
        sa.Column("last_series", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        postgresql_partition_by=_BY_MINUTE,
    )
    if op.get_context().dialect.name != "postgresql":
        op.execute(_SQLITE_TRIGGER)
        return
    for table in _BLOCKS:
        # They are compressed already.
        op.execute(f"ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL")
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    op.execute(_FUNCTION)
    op.execute(
        "CREATE TRIGGER forget_packed_hour AFTER INSERT ON dirty_rollup"
        " FOR EACH ROW WHEN (NEW.tier = 60) EXECUTE FUNCTION forget_packed_hour()"
    )


def downgrade() -> None:
    """Nothing is lost: the rows that were packed are still there."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER forget_packed_hour ON dirty_rollup")
        op.execute("DROP FUNCTION forget_packed_hour()")
    else:
        op.execute("DROP TRIGGER forget_packed_hour")
    for table in (*_BLOCKS, "packed_hour"):
        op.drop_table(table)


def _key(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, primary_key=True, autoincrement=False) for name in names]


_SQLITE_TRIGGER = """
    CREATE TRIGGER forget_packed_hour AFTER INSERT ON dirty_rollup WHEN NEW.tier = 60
    BEGIN
        DELETE FROM packed_hour WHERE minute = NEW.minute;
    END
"""
# The lock is the one of app.storage.packed_hours: a mark that is about to be committed and an hour
# that is about to be recorded as packed do not see each other.
_FUNCTION = """
    CREATE FUNCTION forget_packed_hour() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(1213809768, NEW.minute);
        DELETE FROM packed_hour WHERE minute = NEW.minute;
        RETURN NULL;
    END $$
"""
