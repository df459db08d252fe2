"""How often values were stored by others than the holder of the lease.

The holder remembers what it has stored, to store only what differs. Whoever else stores values,
which is a backfill on request, counts it here in the same transaction and under the same lock of
the minute, so that the holder cannot trust its memory without having seen the count.
"""

import sqlalchemy as sa

from app.storage.dialects import insert_into
from app.storage.tables import lease

# A row beside the lease itself, whose token is the count.
_NAME = "recomputed"


def count_recomputed(connection: sa.Connection) -> int:
    """The count as committed, or as this transaction has made it."""
    found = connection.execute(sa.select(lease.c.token).where(lease.c.name == _NAME)).scalar()
    return found or 0


def add_recomputed(connection: sa.Connection) -> None:
    """Count one more."""
    row = {"name": _NAME, "holder": "", "token": 1, "renewals": 0, "seconds": 0}
    connection.execute(
        insert_into(connection, lease)
        .values(row)
        .on_conflict_do_update(index_elements=["name"], set_={"token": lease.c.token + 1})
    )
