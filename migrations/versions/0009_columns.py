"""Points and values become columns: rows that hold arrays (ADR 0037)."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from migrations.columns import ownership
from migrations.columns.conversion import convert
from migrations.columns.old_views import old_views
from migrations.columns.postgresql_views import GROUP_FUNCTION
from migrations.columns.restoring import restore
from migrations.columns.views import NAMED, views

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BY_MINUTE = "RANGE (minute)"
_INTEGERS = sa.LargeBinary().with_variant(ARRAY(sa.Integer), "postgresql")
_LONG_INTEGERS = sa.LargeBinary().with_variant(ARRAY(sa.BigInteger), "postgresql")
_DOUBLES = sa.LargeBinary().with_variant(ARRAY(sa.Double), "postgresql")
_PACKED = ("packed_point", "packed_value", "packed_hour")
_POINT_KEY = ("minute", "series_id", "offset_ms")
_VALUE_KEY = ("minute", "metric_id", "entity_id", "label_set_id")
_KEYS = {
    "point": _POINT_KEY,
    "point_5m": _POINT_KEY,
    "point_1h": _POINT_KEY,
    "extra_statistic": (*_POINT_KEY, "statistic"),
    "metric_value": _VALUE_KEY,
    "metric_value_5m": _VALUE_KEY,
    "metric_value_1h": _VALUE_KEY,
}
_COLUMNS = ("point_batch", *(table for table in _KEYS if table != "extra_statistic"), *_PACKED)
_OLD = "rows_"


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    if sqlite:
        # Views of others go on naming the tables that they name.
        op.execute("PRAGMA legacy_alter_table = ON")
        op.execute("DROP TRIGGER forget_packed_hour")
    else:
        tables = ", ".join((*_KEYS, *_PACKED))
        op.execute(f"LOCK TABLE {tables}, dirty_rollup, dirty_minute IN ACCESS EXCLUSIVE MODE")
        op.execute(ownership.refuse_what_cannot_follow((*_KEYS, *_PACKED), NAMED))
        op.execute("DROP TRIGGER forget_packed_hour ON dirty_rollup")
        op.execute("DROP FUNCTION forget_packed_hour()")
        op.execute(GROUP_FUNCTION)
    # They hold nothing that is not in rows as well.
    for table in _PACKED:
        op.drop_table(table)
    for table in _KEYS:
        op.execute(f"ALTER TABLE {table} RENAME TO {_OLD}{table}")
        if not sqlite:
            op.execute(
                f"ALTER TABLE {_OLD}{table} RENAME CONSTRAINT pk_{table} TO pk_{_OLD}{table}"
            )
            op.execute(f"ALTER TABLE {table}_default RENAME TO {_OLD}{table}_default")
    _create_tables()
    # Rendered as SQL for a look at its statements there are no rows.
    if not op.get_context().as_sql:
        convert(op.get_bind(), _OLD)
    _replace_views(sqlite=sqlite)
    if not sqlite:
        for table in (*_COLUMNS, *(view for view in views(sqlite=False) if view not in NAMED)):
            op.execute(ownership.same_owner_and_grants(f"{_OLD}point", table))
    for table in _KEYS:
        op.drop_table(f"{_OLD}{table}")
    if sqlite:
        op.execute("PRAGMA legacy_alter_table = OFF")


def downgrade() -> None:
    """What stands becomes rows again; hours are packed again when they are rolled up again."""
    sqlite = op.get_context().dialect.name == "sqlite"
    if not sqlite:
        tables = ", ".join(_COLUMNS)
        op.execute(f"LOCK TABLE {tables}, dirty_rollup, dirty_minute IN ACCESS EXCLUSIVE MODE")
    _create_rows(sqlite=sqlite)
    restore(op.get_bind(), _OLD)
    for view in reversed(views(sqlite=sqlite)):
        op.execute(f"DROP VIEW {view}")
    if not sqlite:
        op.execute("DROP FUNCTION hydrant_group(text, text)")
        for table in _KEYS:
            old = table if table in _COLUMNS else "point"
            op.execute(ownership.same_owner_and_grants(old, f"{_OLD}{table}"))
    for table in _COLUMNS:
        op.drop_table(table)
    for table in _KEYS:
        op.execute(f"ALTER TABLE {_OLD}{table} RENAME TO {table}")
        if not sqlite:
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT pk_{_OLD}{table} TO pk_{table}")
            op.execute(f"ALTER TABLE {_OLD}{table}_default RENAME TO {table}_default")
            op.execute(f"ALTER INDEX {_OLD}{table}_default_pkey RENAME TO pk_{table}_default")
    _create_packed(sqlite=sqlite)
    for name, query in old_views().items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _replace_views(*, sqlite: bool) -> None:
    if sqlite:
        for view in NAMED:
            op.execute(f"DROP VIEW {view}")
    for name, query in views(sqlite=sqlite).items():
        # On PostgreSQL those that there were keep their grants, and the views that read them.
        op.execute(f"CREATE {'' if sqlite else 'OR REPLACE '}VIEW {name} AS {query}")


def _create_tables() -> None:
    _big("point_batch", *_key("minute"), _batch_id(), *_point_payload())
    for suffix in ("", "_5m", "_1h"):
        _big(
            f"point{suffix}",
            *_key("minute", "group_id", "first_series"),
            sa.Column("last_series", sa.Integer, nullable=False),
            *_point_payload(),
        )
        minutes = [sa.Column("minutes", _INTEGERS, nullable=False)] if suffix else []
        _big(
            f"metric_value{suffix}",
            *_key("minute", "metric_id"),
            sa.Column("entity_id", _INTEGERS, nullable=False),
            sa.Column("label_set_id", _INTEGERS, nullable=False),
            sa.Column("value", _DOUBLES),
            sa.Column("numerator", _DOUBLES),
            sa.Column("weight", _DOUBLES),
            *minutes,
        )
    op.create_table(
        "packed_hour",
        *_key("minute"),
        sa.Column("point_minutes", sa.BigInteger, nullable=False),
        sa.Column("value_minutes", sa.BigInteger, nullable=False),
    )
    _big(
        "packed_value",
        *_key("minute", "metric_id", "first_entity"),
        sa.Column("last_entity", sa.Integer, nullable=False),
        sa.Column("entity_id", _INTEGERS, nullable=False),
        sa.Column("label_set_id", _INTEGERS, nullable=False),
        sa.Column("row", _INTEGERS),
        sa.Column("minute_of_hour", _INTEGERS),
        sa.Column("value", _DOUBLES),
        sa.Column("numerator", _DOUBLES),
        sa.Column("weight", _DOUBLES),
    )
    _big(
        "packed_point",
        *_key("minute", "group_id"),
        sa.Column("statistic", sa.Text, primary_key=True),
        *_key("first_series"),
        sa.Column("last_series", sa.Integer, nullable=False),
        sa.Column("series_id", _INTEGERS, nullable=False),
        sa.Column("row", _INTEGERS),
        sa.Column("start_ms", _INTEGERS),
        sa.Column("period_ms", _LONG_INTEGERS),
        sa.Column("value", _DOUBLES, nullable=False),
    )


def _big(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, postgresql_partition_by=_BY_MINUTE)
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"CREATE TABLE {name}_default PARTITION OF {name} DEFAULT")
        for table in (name, f"{name}_default"):
            op.execute(_COMPRESS.format(table=table))


# Some builds of PostgreSQL do without LZ4: then it compresses by its own, which takes longer.
_COMPRESS = """
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT attname FROM pg_attribute
                    WHERE attrelid = '{table}'::regclass AND attnum > 0 AND attndims > 0
        LOOP
            EXECUTE format('ALTER TABLE {table} ALTER COLUMN %I SET COMPRESSION lz4', name);
        END LOOP;
    EXCEPTION WHEN feature_not_supported THEN
        NULL;
    END $$
"""


def _key(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, primary_key=True, autoincrement=False) for name in names]


def _batch_id() -> sa.Column[int]:
    return sa.Column("batch_id", sa.BigInteger, primary_key=True, autoincrement=False)


def _point_payload() -> list[sa.Column[Any]]:
    return [
        sa.Column("series_id", _INTEGERS, nullable=False),
        sa.Column("offset_ms", _INTEGERS),
        sa.Column("period_ms", _LONG_INTEGERS),
        sa.Column("sample_count", _DOUBLES, nullable=False),
        sa.Column("sum", _DOUBLES, nullable=False),
        sa.Column("minimum", _DOUBLES, nullable=False),
        sa.Column("maximum", _DOUBLES, nullable=False),
        sa.Column("backfilled", _INTEGERS),
        sa.Column("extra_series_id", _INTEGERS),
        sa.Column("extra_offset_ms", _INTEGERS),
        sa.Column("extra_statistic", _INTEGERS),
        sa.Column("extra_value", _DOUBLES),
        sa.Column("extra_sample_count", _DOUBLES),
        sa.Column("extra_backfilled", _INTEGERS),
        sa.Column("extra_names", sa.Text),
    ]


def _create_rows(*, sqlite: bool) -> None:
    """The tables of points and values as they were at 0008, under other names."""
    for table, key in _KEYS.items():
        columns = [
            sa.Column(name, sa.Integer, nullable=False) for name in key if name != "statistic"
        ]
        op.create_table(
            f"{_OLD}{table}",
            *columns,
            *_row_columns(table),
            sa.PrimaryKeyConstraint(*key, name=f"pk_{_OLD}{table}"),
            sqlite_with_rowid=False,
            postgresql_partition_by=_BY_MINUTE,
        )
        if not sqlite:
            default = f"{_OLD}{table}_default"
            op.execute(f"CREATE TABLE {default} PARTITION OF {_OLD}{table} DEFAULT")


def _row_columns(table: str) -> list[sa.Column[Any]]:
    if table == "extra_statistic":
        return [
            sa.Column("statistic", sa.Text, nullable=False),
            sa.Column("value", sa.Double, nullable=False),
            sa.Column("sample_count", sa.Double, nullable=False),
            sa.Column("backfilled", sa.Boolean),
        ]
    if table.startswith("metric_value"):
        return [
            sa.Column("value", sa.Double, nullable=False),
            sa.Column("numerator", sa.Double),
            sa.Column("weight", sa.Double),
            *(
                []
                if table == "metric_value"
                else [sa.Column("minutes", sa.Integer, nullable=False)]
            ),
        ]
    return [
        sa.Column("period_ms", sa.BigInteger, nullable=False),
        sa.Column("sample_count", sa.Double, nullable=False),
        sa.Column("sum", sa.Double, nullable=False),
        sa.Column("minimum", sa.Double),
        sa.Column("maximum", sa.Double),
        *([sa.Column("backfilled", sa.Boolean)] if table == "point" else []),
    ]


def _create_packed(*, sqlite: bool) -> None:
    """The empty tables of packed hours, and the trigger, as they were at 0008."""
    op.create_table("packed_hour", *_key("minute"))
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
    if sqlite:
        op.execute(_SQLITE_TRIGGER)
        return
    for table in ("packed_value", "packed_point"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL")
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    op.execute(_FUNCTION)
    op.execute(
        "CREATE TRIGGER forget_packed_hour AFTER INSERT ON dirty_rollup"
        " FOR EACH ROW WHEN (NEW.tier = 60) EXECUTE FUNCTION forget_packed_hour()"
    )


_SQLITE_TRIGGER = """
    CREATE TRIGGER forget_packed_hour AFTER INSERT ON dirty_rollup WHEN NEW.tier = 60
    BEGIN
        DELETE FROM packed_hour WHERE minute = NEW.minute;
    END
"""
_FUNCTION = """
    CREATE FUNCTION forget_packed_hour() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(1213809768, NEW.minute);
        DELETE FROM packed_hour WHERE minute = NEW.minute;
        RETURN NULL;
    END $$
"""
