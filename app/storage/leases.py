"""The lease: which of several processes does the work that only one may do.

Whoever takes it gets a token that is larger than all before. Every transaction that stores results
of that work updates the lease's row under its token first, so it and a take-over wait for each
other, and after a take-over nothing of an earlier term can be committed any more. There are no
times in the row: clocks of different hosts are never compared.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from app.errors import LeaseLost
from app.storage.tables import lease

T = TypeVar("T")

_NAME = "background"


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """The lease as stored; ``holder`` is empty while nobody holds it.

    A holder changes ``renewals`` several times in the ``seconds`` that it has chosen.
    """

    holder: str
    token: int
    renewals: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Term:
    """One time of holding the lease, from taking it to losing it or giving it up.

    The holder tells two terms of one token apart: a database that was set back, by a failover to a
    standby that lagged behind, gives out its last tokens again.
    """

    token: int
    holder: str


def read_lease(connection: sa.Connection) -> LeaseRow:
    """The lease as it is now."""
    columns = (lease.c.holder, lease.c.token, lease.c.renewals, lease.c.seconds)
    row = connection.execute(sa.select(*columns).where(lease.c.name == _NAME)).one()
    return LeaseRow(*row)


def take_lease(
    connection: sa.Connection, seen: LeaseRow, *, holder: str, seconds: int
) -> Term | None:
    """Take the lease; None when its holder or another has changed the row since it was seen."""
    term = Term(seen.token + 1, holder)
    taken = connection.execute(
        sa.update(lease)
        .where(
            lease.c.name == _NAME, lease.c.token == seen.token, lease.c.renewals == seen.renewals
        )
        .values(holder=holder, token=term.token, renewals=lease.c.renewals + 1, seconds=seconds)
    )
    return term if taken.rowcount else None


def renew_lease(connection: sa.Connection, term: Term) -> None:
    """Make sure that the term lasts until the commit, and let the others see that it does.

    Raises ``LeaseLost`` when another term has begun.
    """
    if not _update(connection, term, renewals=lease.c.renewals + 1):
        raise LeaseLost("another process has taken over; this one stands by")


def give_up_lease(connection: sa.Connection, term: Term) -> None:
    """End a term, so that another can begin at once; nothing happens if it is over."""
    _update(connection, term, holder="", renewals=lease.c.renewals + 1)


def fenced(term: Term, job: Callable[[sa.Connection], T]) -> Callable[[sa.Connection], T]:
    """The job, with ``LeaseLost`` and no trace of it unless the term lasts until its commit."""

    def run(connection: sa.Connection) -> T:
        renew_lease(connection, term)
        return job(connection)

    return run


def _update(connection: sa.Connection, term: Term, **values: object) -> bool:
    held = (lease.c.name == _NAME) & (lease.c.token == term.token) & (lease.c.holder == term.holder)
    return bool(connection.execute(sa.update(lease).where(held).values(**values)).rowcount)
