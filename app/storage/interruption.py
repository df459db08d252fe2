"""Statements of readers that must not outlast the one who asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import sqlalchemy as sa

from app.errors import StorageBusy

# A hundredth of a second or so. More often costs more than it is worth: each time the driver waits
# for the interpreter's lock.
_INSTRUCTIONS_BETWEEN_CHECKS = 1_000_000


class Deadline(Protocol):
    """The end of somebody's time; it may also come because he has gone."""

    @property
    def left_seconds(self) -> float:
        """What is left; raises what ``check`` raises when he has gone."""
        ...

    def check(self) -> None:
        """Raise when the time is over."""
        ...


@contextmanager
def ended_in_time(connection: sa.Connection, deadline: Deadline | None) -> Iterator[None]:
    """End the statements of a transaction when the deadline comes; what it raises is raised here.

    SQLite asks the deadline while it works. PostgreSQL ends a statement that takes as long as was
    left at the beginning.
    """
    if deadline is None:
        yield
        return
    deadline.check()
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a transaction has begun
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        driver.set_progress_handler(lambda: _is_over(deadline), _INSTRUCTIONS_BETWEEN_CHECKS)
    else:
        milliseconds = max(1, int(deadline.left_seconds * 1000))
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
    try:
        yield
    finally:
        if is_sqlite:
            driver.set_progress_handler(None, 0)


@contextmanager
def told_by(deadline: Deadline | None) -> Iterator[None]:
    """Where a statement was ended because of the deadline, raise what that raises."""
    try:
        yield
    except StorageBusy:
        if deadline is not None:
            deadline.check()
        raise


def _is_over(deadline: Deadline) -> bool:
    try:
        deadline.check()
    except Exception:  # noqa: BLE001 - the driver would print it; it is raised again afterwards
        return True
    return False
