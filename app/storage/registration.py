"""Registration: one process at a time gives out ids, each once and without gaps.

A series is found many times and inserted once. So whoever misses something waits for the others
that are inserting, and inserts what is still missing then, under a lock that ends with the
transaction. Under it the sequence of ids goes on from the highest one that was committed: what a
transaction took and did not commit is given out again.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import sqlalchemy as sa

from app.errors import TransactionConflict

# Advisory locks are numbered for the database as a whole; this tells ours from others'. It is one
# lock for all tables: two of them could be asked for in different orders.
_REGISTRATION = 0x48594453
_ATTEMPTS = 5

Key = TypeVar("Key", bound=Hashable)


def register(
    connection: sa.Connection,
    table: sa.Table,
    keys: Iterable[Key],
    find: Callable[[Collection[Key]], Mapping[Key, int]],
    insert: Callable[[Sequence[Key]], Sequence[int]],
) -> dict[Key, int]:
    """Ids of the rows with these keys; ``insert`` gets those that do not exist yet.

    ``find`` gives the ids of those that do, or of none if it takes them for new. ``insert`` leaves
    out what another process has inserted meanwhile, and what is in conflict with rows that are
    there: a release without this lock may be inserting the same ones. It returns the ids in order
    if it knows them, or nothing: then they are looked up.
    """
    wanted = list(dict.fromkeys(keys))
    found = dict(find(wanted))
    for _ in range(_ATTEMPTS):
        missing = [key for key in wanted if key not in found]
        if not missing:
            break
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_locked_sequence(table))
        ids = insert(missing)
        found.update(zip(missing, ids, strict=True) if ids else find(missing))
    if not found.keys() >= set(wanted):
        raise TransactionConflict(f"another process takes the ids of the table {table.name}")
    return found


def _locked_sequence(table: sa.Table) -> str:
    """Waits for the lock, and sees only then which ids are committed: each is a statement."""
    (column,) = table.primary_key.columns
    # A user who may only insert leaves gaps, which do no harm.
    return f"""
        DO $$ BEGIN
            PERFORM pg_advisory_xact_lock({_REGISTRATION});
            PERFORM setval(sequence, GREATEST(last, 1), last IS NOT NULL)
            FROM (SELECT MAX({column.name}) AS last FROM {table.name}) AS ids,
                 (SELECT pg_get_serial_sequence('{table.name}', '{column.name}') AS sequence) AS s
            WHERE has_sequence_privilege(sequence, 'UPDATE');
        END $$
    """  # noqa: S608 - constants
