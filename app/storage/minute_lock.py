"""One writer of a minute's values at a time, also among processes."""

import sqlalchemy as sa

# Advisory locks are numbered for the database as a whole; this tells ours from others'.
_MINUTES = 0x48594452


def lock_minute(connection: sa.Connection, minute: int) -> None:
    """Wait until no other transaction is storing values of the minute; held until the commit.

    Whoever stores values reads those that are there and writes the difference, which must not
    change in between. SQLite lets only one transaction write anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MINUTES, minute)))
