"""On PostgreSQL the big tables become partitioned by ranges of their minute (ADR 0017).

Nothing is read and nothing is copied: the table as it is becomes the DEFAULT partition of a new
table of its name, which needs no scan as long as there is no other partition. The ranges are made
later, by app.storage.partitions. SQLite has no partitions and stays as it is.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_POINT_KEY = "minute, series_id, offset_ms"
_VALUE_KEY = "minute, metric_id, entity_id, label_set_id"
_KEYS = {
    "extra_statistic": f"{_POINT_KEY}, statistic",
    "metric_value": _VALUE_KEY,
    "metric_value_1h": _VALUE_KEY,
    "metric_value_5m": _VALUE_KEY,
    "point": _POINT_KEY,
    "point_1h": _POINT_KEY,
    "point_5m": _POINT_KEY,
}
_NAMES = ", ".join(f"'{table}'::regclass" for table in _KEYS)


def upgrade() -> None:
    """Put a partitioned table above each big table, which becomes its default partition."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"LOCK TABLE {', '.join(_KEYS)} IN ACCESS EXCLUSIVE MODE")
    op.execute(_REFUSE_WHAT_CANNOT_FOLLOW)
    op.execute(_REMEMBER_VIEWS)
    for table, key in _KEYS.items():
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_default")
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_{table}_default")
        op.execute(
            f"CREATE TABLE {table} (LIKE {table}_default,"
            f" CONSTRAINT pk_{table} PRIMARY KEY ({key})) PARTITION BY RANGE (minute)"
        )
        op.execute(_same_owner_and_grants(table))
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_default DEFAULT")
    op.execute(_REPLACE_VIEWS)


def downgrade() -> None:
    """Put all rows back into one table; those of the ranges are copied."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"LOCK TABLE {', '.join(_KEYS)} IN ACCESS EXCLUSIVE MODE")
    op.execute(_REFUSE_WHAT_CANNOT_FOLLOW)
    op.execute(_REMEMBER_VIEWS)
    for table in _KEYS:
        op.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_default")
        op.execute(_drop_checks(table))
        op.execute(f"INSERT INTO {table}_default SELECT * FROM {table}")  # noqa: S608 - constants
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_partitioned")
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_{table}_partitioned")
        op.execute(f"ALTER TABLE {table}_default RENAME TO {table}")
        op.execute(f"ALTER INDEX pk_{table}_default RENAME TO pk_{table}")
    op.execute(_REPLACE_VIEWS)
    for table in _KEYS:
        op.execute(f"DROP TABLE {table}_partitioned")


# A view is bound to the table and not to its name: it would go on reading the default partition
# alone. Those of others, which may stand beside ours, are carried over in the same way.
_REMEMBER_VIEWS = f"""
    CREATE TEMP TABLE view_to_replace ON COMMIT DROP AS
    SELECT DISTINCT c.oid::regclass AS name, pg_get_viewdef(c.oid) AS query,
           ' WITH (' || array_to_string(c.reloptions, ', ') || ')' AS options
    FROM pg_depend d
    JOIN pg_rewrite r ON r.oid = d.objid
    JOIN pg_class c ON c.oid = r.ev_class
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid IN ({_NAMES}) AND c.relkind = 'v'
"""  # noqa: S608 - constants
_REPLACE_VIEWS = """
    DO $$
    DECLARE v record;
    BEGIN
        FOR v IN SELECT * FROM view_to_replace LOOP
            EXECUTE format(
                'CREATE OR REPLACE VIEW %s%s AS %s', v.name, coalesce(v.options, ''), v.query
            );
        END LOOP;
        DROP TABLE view_to_replace;
    END $$
"""

_REFUSE_WHAT_CANNOT_FOLLOW = f"""
    DO $$
    DECLARE found text;
    BEGIN
        SELECT string_agg(DISTINCT name, ', ') INTO found FROM (
            SELECT 'materialized view ' || c.oid::regclass AS name
            FROM pg_depend d
            JOIN pg_rewrite r ON r.oid = d.objid
            JOIN pg_class c ON c.oid = r.ev_class
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
              AND d.refobjid IN ({_NAMES}) AND c.relkind = 'm'
            UNION ALL
            SELECT 'foreign key ' || k.conname || ' of ' || k.conrelid::regclass
            FROM pg_constraint k
            WHERE k.contype = 'f' AND k.confrelid IN ({_NAMES})
              AND k.conrelid NOT IN ({_NAMES})
        ) AS others;
        IF found IS NOT NULL THEN
            RAISE EXCEPTION 'tables of Hydrant are about to be replaced, and what others have'
                ' bound to them cannot follow: %; drop it, migrate, and create it again', found
                USING ERRCODE = 'object_in_use';
        END IF;
    END $$
"""  # noqa: S608 - constants


def _same_owner_and_grants(table: str) -> str:
    """Who may read the table by its name may go on; columns granted one by one included."""
    return f"""
        DO $$
        DECLARE g record; owner oid;
        BEGIN
            SELECT relowner INTO owner FROM pg_class WHERE oid = '{table}_default'::regclass;
            EXECUTE format('ALTER TABLE {table} OWNER TO %s', owner::regrole);
            FOR g IN
                SELECT a.grantee, a.privilege_type, a.is_grantable, '' AS columns
                FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.oid = '{table}_default'::regclass
                UNION ALL
                SELECT a.grantee, a.privilege_type, a.is_grantable,
                       format(' (%I)', t.attname) AS columns
                FROM pg_attribute t, aclexplode(t.attacl) a
                WHERE t.attrelid = '{table}_default'::regclass
            LOOP
                CONTINUE WHEN g.grantee = owner;
                EXECUTE format(
                    'GRANT %s%s ON {table} TO %s%s', g.privilege_type, g.columns,
                    CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
                    CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
                );
            END LOOP;
        END $$
    """  # noqa: S608 - constants


def _drop_checks(table: str) -> str:
    """Of ranges that were being split off when the job was stopped."""
    return f"""
        DO $$
        DECLARE k record;
        BEGIN
            FOR k IN SELECT conname FROM pg_constraint
                     WHERE conrelid = '{table}_default'::regclass AND contype = 'c'
            LOOP
                EXECUTE format('ALTER TABLE {table}_default DROP CONSTRAINT %I', k.conname);
            END LOOP;
        END $$
    """  # noqa: S608 - constants
