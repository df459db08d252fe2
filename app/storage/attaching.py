"""How a range of minutes becomes a partition while everybody goes on reading and writing.

Attaching locks the default partition and has it read whole, to be sure that it holds no row of the
range. Where that takes long, constraints prove it instead, which are checked without a lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import structlog

from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.tiers import Tier

# Moved in one transaction, under a lock; more than these stay where they are. A row holds arrays of
# thousands.
_MOST_ROWS_MOVED = 2_000
_LIMITS = ("SET LOCAL lock_timeout = '500ms'", "SET LOCAL statement_timeout = '20s'")
_PREFIX = "splitting_off_"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Range:
    """The minutes from ``first`` up to ``last``, which is left out."""

    first: int
    last: int

    def overlaps(self, other: "Range") -> bool:
        """Whether any minute is in both."""
        return self.first < other.last and other.first < self.last

    @property
    def date(self) -> str:
        """The day on which it begins, as it stands in names."""
        moment = datetime.fromtimestamp(self.first * MILLISECONDS_PER_MINUTE / 1000, UTC)
        return moment.strftime("%Y%m%d")


def attach(
    connection: sa.Connection, tier: Tier, table: str, default: str | None, part: Range
) -> int:
    """Make a partition, with the rows of its range that sit in the default one; 1 if it was made.

    It is not when there are too many of them: then they, and those that follow, stay there.
    """
    name = f"{table}_{part.date}"
    condition = f"minute >= {part.first} AND minute < {part.last}"
    with connection.begin():
        _limit(connection)
        _run(connection, f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        if default is not None:
            count = f"SELECT 1 FROM {default} WHERE {condition} LIMIT {_MOST_ROWS_MOVED + 1}"  # noqa: S608 - constants
            rows = _run(connection, f"SELECT COUNT(*) FROM ({count}) AS r").scalar_one()  # noqa: S608 - constants
            if rows > _MOST_ROWS_MOVED:
                connection.get_transaction().rollback()  # type: ignore[union-attr]
                return 0
            # In the order in which readers and writers come to them.
            _run(connection, f"LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE")
            _run(connection, f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
            moved = f"DELETE FROM {default} WHERE {condition} RETURNING *"  # noqa: S608 - constants
            _run(connection, f"WITH moved AS ({moved}) INSERT INTO {name} SELECT * FROM moved")  # noqa: S608 - constants
            _mark(connection, tier, name)
        _run(connection, _attach(table, name, part))
    return 1


def split_off(connection: sa.Connection, table: str, default: str, ranges: Sequence[Range]) -> int:
    """Make partitions of ranges of which a large default partition holds nothing; returns how many.

    While it is being read, rows of these ranges are refused, for the writer to try again. So they
    lie in the future. Ranges of which there are rows are left out.
    """
    with connection.begin():
        empty = [part for part in ranges if _is_empty(connection, default, part)]
    if not empty:
        return 0
    checks = {f"{_PREFIX}{part.date}": part for part in empty}
    drop = ", ".join(f"DROP CONSTRAINT {name}" for name in checks)
    with connection.begin():
        _limit(connection)
        add = ", ".join(
            f"ADD CONSTRAINT {name} CHECK ({_outside(part)}) NOT VALID"
            for name, part in checks.items()
        )
        _run(connection, f"ALTER TABLE {default} {add}")
    try:
        _log.info("reading a large default partition", partition=default, table=table)
        with connection.begin():
            _run(connection, "SET LOCAL statement_timeout = 0")
            validate = ", ".join(f"VALIDATE CONSTRAINT {name}" for name in checks)
            _run(connection, f"ALTER TABLE {default} {validate}")
        with connection.begin():
            _limit(connection)
            for part in empty:
                name = f"{table}_{part.date}"
                _run(connection, f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
                _run(connection, _attach(table, name, part))
            _run(connection, f"ALTER TABLE {default} {drop}")
    except BaseException:
        forget_checks(connection, default)
        raise
    return len(empty)


def forget_checks(connection: sa.Connection, default: str) -> None:
    """Drop what a split that was broken off has left, and with it the refusal of rows."""
    with connection.begin():
        names = connection.execute(_CHECKS, {"name": default, "prefix": _PREFIX}).scalars().all()
        if names:
            _limit(connection)
            drop = ", ".join(f"DROP CONSTRAINT {name}" for name in names)
            _run(connection, f"ALTER TABLE {default} {drop}")


def _is_empty(connection: sa.Connection, default: str, part: Range) -> bool:
    query = f"SELECT 1 FROM {default} WHERE minute >= {part.first} AND minute < {part.last} LIMIT 1"  # noqa: S608 - constants
    return _run(connection, query).first() is None


def _mark(connection: sa.Connection, tier: Tier, moved: str) -> None:
    """Mark what was moved, to be computed anew.

    A snapshot from before sees the rows where they were, but no longer looks there: whatever was
    computed from it missed them.
    """
    minutes = f"SELECT DISTINCT minute FROM {moved} WHERE minute >= ({_KEPT})"  # noqa: S608 - constants
    if tier is Tier.MINUTE:
        _run(connection, f"INSERT INTO dirty_minute (minute) {minutes}")
    else:
        length = int(tier)
        marks = f"SELECT DISTINCT {length}, minute - mod(minute, {length}) FROM ({minutes}) AS m"  # noqa: S608 - constants
        _run(connection, f"INSERT INTO dirty_rollup (tier, minute) {marks}")


def _attach(table: str, name: str, part: Range) -> str:
    bounds = f"FROM ({part.first}) TO ({part.last})"
    return f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}"


def _outside(part: Range) -> str:
    return f"minute < {part.first} OR minute >= {part.last}"


def _limit(connection: sa.Connection) -> None:
    for statement in _LIMITS:
        _run(connection, statement)


def _run(connection: sa.Connection, statement: str) -> sa.CursorResult[Any]:
    return connection.exec_driver_sql(statement)


_KEPT = f"SELECT first_minute FROM kept WHERE tier = {int(Tier.MINUTE)}"  # noqa: S608 - constants
_CHECKS = sa.text("""
    SELECT conname FROM pg_constraint
    WHERE conrelid = to_regclass(:name) AND contype = 'c' AND starts_with(conname, :prefix)
""")
