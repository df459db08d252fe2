"""Finding rows by their digests: one statement for thousands, and one value with their ids.

The digests go to the database as one string of bytes, and the ids come back in their order; neither
side makes an object of each. PostgreSQL answers with the ids as one string of bytes, too.
"""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.catalog.identity import DIGEST_BYTES
from app.storage.chunks import chunked
from app.storage.column_reader import fetch_rows

_UNKNOWN = -1
_AT_ONCE = 16_384
_SAMPLE = 32


def find_ids(
    connection: sa.Connection, table: sa.Table, digests: Sequence[bytes]
) -> dict[bytes, int]:
    """Ids of the rows of a table with these digests; what does not exist is left out."""
    found: dict[bytes, int] = {}
    for chunk in chunked(digests, _AT_ONCE):
        ids = _ids(connection, table, chunk).tolist()
        found.update(
            (digest, number)
            for digest, number in zip(chunk, ids, strict=True)
            if number != _UNKNOWN
        )
    return found


def find_unless_new(
    connection: sa.Connection, table: sa.Table, digests: Sequence[bytes]
) -> dict[bytes, int]:
    """The same, or nothing where the first few do not exist, as is so if all are new.

    For who inserts what is missing and is told of what was there all the same: on SQLite that is
    the cheaper way. Elsewhere a row that is in the way is dear.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite and not find_ids(connection, table, digests[:_SAMPLE]):
        return {}
    return find_ids(connection, table, digests)


def _ids(connection: sa.Connection, table: sa.Table, digests: Sequence[bytes]) -> IntArray:
    (key,) = table.primary_key.columns
    if connection.dialect.name == "sqlite":
        together = {"digests": b"".join(digests), "size": len(digests)}
        ids = np.full(len(digests), _UNKNOWN, np.int64)
        rows = connection.execute(_on_sqlite(table.name, key.name), together).all()
        if rows:
            places, found = zip(*rows, strict=True)
            ids[list(places)] = found
        return ids
    query = _on_postgresql(table.name, key.name)
    ((answer,),) = fetch_rows(connection, query, (len(digests), b"".join(digests)))
    return np.frombuffer(answer or b"", ">i4").astype(np.int64)


def _on_sqlite(table: str, key: str) -> sa.TextClause:
    # The join must not be turned round: the digests are few beside the rows.
    return sa.text(f"""
        WITH RECURSIVE place(number) AS (
            SELECT 0 UNION ALL SELECT number + 1 FROM place WHERE number + 1 < :size
        )
        SELECT place.number, {table}.{key} FROM place CROSS JOIN {table}
        ON {table}.digest = substr(:digests, place.number * {DIGEST_BYTES} + 1, {DIGEST_BYTES})
    """)  # noqa: S608 - constants


def _on_postgresql(table: str, key: str) -> str:
    # The plan of a prepared statement is for any number of digests: joined to the table itself, all
    # its rows are read and hashed to find three. The limit makes it look each up in the index.
    return f"""
        SELECT string_agg(
            int4send(COALESCE(found.id, {_UNKNOWN})), ''::bytea ORDER BY place.number
        )
        FROM generate_series(0, ?::int4 - 1) AS place(number) LEFT JOIN LATERAL (
            SELECT {table}.{key} AS id FROM {table} WHERE {table}.digest = substring(
                ?::bytea FROM place.number * {DIGEST_BYTES} + 1 FOR {DIGEST_BYTES}
            ) LIMIT 1
        ) AS found ON true
    """  # noqa: S608 - constants
