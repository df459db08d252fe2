"""On PostgreSQL: what others have bound to tables that are replaced, and who may use them."""

# ruff: noqa: S608 - all of it is made of constants

from collections.abc import Sequence


def refuse_what_cannot_follow(tables: Sequence[str], own_views: Sequence[str]) -> str:
    """A statement that fails where views or keys of others name tables that are to be replaced."""
    names = ", ".join(f"'{table}'::regclass" for table in tables)
    views = ", ".join(f"'{view}'::regclass" for view in own_views)
    return f"""
    DO $$
    DECLARE found text;
    BEGIN
        SELECT string_agg(DISTINCT name, ', ') INTO found FROM (
            SELECT CASE c.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END
                   || c.oid::regclass AS name
            FROM pg_depend d
            JOIN pg_rewrite r ON r.oid = d.objid
            JOIN pg_class c ON c.oid = r.ev_class
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
              AND d.refobjid IN ({names}) AND c.oid NOT IN ({views})
            UNION ALL
            SELECT 'foreign key ' || k.conname || ' of ' || k.conrelid::regclass
            FROM pg_constraint k
            WHERE k.contype = 'f' AND k.confrelid IN ({names}) AND k.conrelid NOT IN ({names})
        ) AS others;
        IF found IS NOT NULL THEN
            RAISE EXCEPTION 'points and values are about to be stored as arrays, and what others'
                ' have bound to their tables cannot follow: %; drop it, migrate, and create it'
                ' again on v_points, v_values or another view of docs/schema.md', found
                USING ERRCODE = 'object_in_use';
        END IF;
    END $$
    """


def same_owner_and_grants(old: str, new: str) -> str:
    """A statement that gives a table or view, with its partitions, the owner and the grants."""
    return f"""
    DO $$
    DECLARE g record; part regclass; owner oid; kind text;
    BEGIN
        SELECT relowner INTO owner FROM pg_class WHERE oid = '{old}'::regclass;
        SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END INTO kind
        FROM pg_class WHERE oid = '{new}'::regclass;
        FOR part IN SELECT '{new}'::regclass UNION ALL
                    SELECT inhrelid FROM pg_inherits WHERE inhparent = '{new}'::regclass
        LOOP
            EXECUTE format('ALTER %s %s OWNER TO %s', kind, part, owner::regrole);
        END LOOP;
        FOR g IN
            SELECT a.grantee, a.privilege_type, a.is_grantable
            FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = '{old}'::regclass AND a.grantee <> owner
        LOOP
            EXECUTE format(
                'GRANT %s ON {new} TO %s%s', g.privilege_type,
                CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
                CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
            );
        END LOOP;
    END $$
    """
