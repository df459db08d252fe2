"""What Citus would need, should one PostgreSQL not be enough: the keys of the big tables.

Its unique keys must carry the column by which a table is distributed, and there may be neither
triggers nor foreign keys.
"""

import pytest
import sqlalchemy as sa

from app.storage import Tier
from app.storage.retention import tables_of
from app.storage.tables import metadata
from tests.fixtures.house import NOW_MS, house

_COLUMNS = {"point_batch": "batch_id", "point": "group_id", "metric_value": "metric_id"}
DISTRIBUTED_BY = {
    table: next(column for name, column in _COLUMNS.items() if table.startswith(name))
    for tier in Tier
    for table in tables_of(tier)
    if not table.startswith("packed_")
} | {"packed_value": "metric_id", "packed_point": "group_id"}


@pytest.mark.parametrize("name", DISTRIBUTED_BY)
def test_keys_in_the_code_carry_the_column(name: str) -> None:
    table = metadata.tables[name]
    column = DISTRIBUTED_BY[name]
    assert not table.foreign_keys
    unique = [set(table.primary_key.columns.keys())]
    unique += [set(index.columns.keys()) for index in table.indexes if index.unique]
    for constraint in table.constraints:
        assert isinstance(constraint, sa.UniqueConstraint | sa.PrimaryKeyConstraint)
        unique.append(set(constraint.columns.keys()))
    assert [key for key in unique if column not in key] == []


def test_keys_in_the_database_carry_the_column(postgresql_url: str) -> None:
    with house(postgresql_url, []) as inside:
        assert inside.store.partitions is not None
        inside.store.partitions.make(NOW_MS // 60_000, {})
        partitioned = {
            row[0]
            for row in inside.rows("SELECT partrelid::regclass::text FROM pg_partitioned_table")
        }
        assert partitioned == set(DISTRIBUTED_BY)
        keys = inside.rows("""
            SELECT coalesce(i.inhparent, x.indrelid)::regclass::text, x.indrelid::regclass::text,
                   (SELECT string_agg(a.attname, ' ') FROM pg_attribute a
                    WHERE a.attrelid = x.indexrelid) AS columns
            FROM pg_index x LEFT JOIN pg_inherits i ON i.inhrelid = x.indrelid
            WHERE x.indisunique
        """)
        big = [(str(parent), str(columns)) for parent, _, columns in keys if parent in partitioned]
        assert len(big) > 2 * len(partitioned)
        assert [key for key in big if DISTRIBUTED_BY[key[0]] not in key[1].split()] == []
        names = ", ".join(f"'{name}'::regclass" for name in DISTRIBUTED_BY)
        of_big = (
            f"(SELECT {names.split(', ')[0]} UNION SELECT unnest(ARRAY[{names}])"
            f" UNION SELECT inhrelid FROM pg_inherits WHERE inhparent IN ({names}))"
        )
        assert (
            inside.rows(
                f"SELECT conname FROM pg_constraint WHERE contype = 'f'"
                f" AND (conrelid IN {of_big} OR confrelid IN {of_big})"
            )
            == []
        )
        assert inside.rows(f"SELECT tgname FROM pg_trigger WHERE tgrelid IN {of_big}") == []
