"""Partitions of the big tables by ranges of their minute, on PostgreSQL (ADR 0017).

Every row has a place: the DEFAULT partition takes what no range does, such as rows from before the
partitioning and absurd times. Ranges are made for the time about now, never because of a row.
Whatever is done here waits for locks a moment only, so that those who come after are not held up.
What could not be done is for the next round; nothing depends on it but the cost of deleting.
"""

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import exc

from app.storage.attaching import Range, attach, forget_checks, split_off
from app.storage.faults import sql_state, storage_errors
from app.storage.retention import tables_of
from app.storage.tiers import PARTITION_MINUTES, Tier

_DAY = 1440
AHEAD = 7 * _DAY
"""Minutes from now for which there are partitions: the job may stand still over long holidays."""
_BEHIND = 2 * _DAY
# What nobody sends by now unless its clock is wrong.
_UNTOUCHED_FROM = _DAY
_FAR_AHEAD = 35 * _DAY
# Up to this size the default partition is read by PostgreSQL, under a lock, in no time.
_SMALL_BYTES = 64 * 1024 * 1024
_ATTEMPTS = 3
# Only one process at a time; any constant serves, beside those of app.storage.registration.
_ADVISORY_LOCK = 0x48594450
_IN_USE = ("55P03", "57014", "40P01")
_FORBIDDEN = "42501"


@dataclass(slots=True)
class Outcome:
    """What a round has done, as numbers of partitions by table, and what it could not do.

    ``in_use`` are tables that had to be left for the next round. ``forbidden`` says that the
    database's user does not own the tables.
    """

    changed: dict[str, int] = field(default_factory=dict)
    in_use: list[str] = field(default_factory=list)
    forbidden: bool = False


class Partitions:
    """Makes and drops partitions, on a connection of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._interrupted = threading.Event()
        self._driver: psycopg.Connection[Any] | None = None

    def interrupt(self) -> None:
        """Break off what is being done, and do nothing more: the server is about to stop."""
        self._interrupted.set()
        if (driver := self._driver) is not None:
            with suppress(psycopg.Error):
                driver.cancel_safe()

    def make(self, now: int, kept: Mapping[Tier, int]) -> Outcome:
        """Make the partitions that are missing about the minute ``now``, not below ``kept``.

        Raises ``StorageUnavailable`` when the database is gone.
        """

        def make(connection: sa.Connection, tier: Tier, table: str) -> int:
            first = max(kept.get(tier, 0), now - _BEHIND)
            return _make(connection, tier, table, first, now)

        return self._each_table(make)

    def drop(self, kept: Mapping[Tier, int]) -> Outcome:
        """Drop the partitions that end at or before the minute from which a tier is kept.

        Nobody may be reading below it any more: a snapshot does not keep a table from being
        dropped. Raises ``StorageUnavailable`` when the database is gone.
        """

        def drop(connection: sa.Connection, tier: Tier, table: str) -> int:
            return _drop(connection, table, kept.get(tier, 0))

        return self._each_table(drop)

    def rows_to_delete(self, table: str) -> str | None:
        """The partition in which old rows of a table have to be deleted one by one."""
        with storage_errors(), self._engine.connect() as connection:
            return _default_of(connection, table)

    def _each_table(self, work: Callable[[sa.Connection, Tier, str], int]) -> Outcome:
        outcome = Outcome()
        with self._alone() as connection:
            if connection is None:
                return outcome
            for tier in Tier:
                for table in tables_of(tier):
                    if self._interrupted.is_set():
                        return outcome
                    try:
                        changed = self._attempt(lambda t=table, of=tier: work(connection, of, t))  # type: ignore[misc]
                    except exc.DBAPIError as error:
                        if sql_state(error) in _IN_USE:
                            outcome.in_use.append(table)
                        elif sql_state(error) == _FORBIDDEN:
                            outcome.forbidden = True
                        else:
                            raise
                    else:
                        outcome.changed[table] = changed
        return outcome

    def _attempt(self, work: Callable[[], int]) -> int:
        """Try a few times: what holds a lock is mostly gone a moment later."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return work()
            except exc.DBAPIError as error:
                if sql_state(error) not in _IN_USE or self._interrupted.is_set():
                    raise
        return work()

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection | None]:
        """A connection, unless another process is at it; the lock ends with the connection."""
        with storage_errors(), self._engine.connect() as connection:
            with connection.begin():
                lock = sa.select(sa.func.pg_try_advisory_lock(_ADVISORY_LOCK))
                mine = connection.execute(lock).scalar_one()
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine's driver
            self._driver = driver
            try:
                yield connection if mine else None
            finally:
                self._driver = None


def partitions_of(connection: sa.Connection, table: str) -> dict[str, Range]:
    """The partitions of a table that have a range, by name, in the order of their ranges."""
    found: dict[str, Range] = {}
    for name, bound in connection.execute(_PARTITIONS, {"table": table}):
        match = _BOUND.fullmatch(bound)
        if match is not None:
            found[name] = Range(_minute(match[1], -(2**31)), _minute(match[2], 2**31))
    return dict(sorted(found.items(), key=lambda item: item[1].first))


def _default_of(connection: sa.Connection, table: str) -> str | None:
    for name, bound in connection.execute(_PARTITIONS, {"table": table}):
        if bound == "DEFAULT":
            return str(name)
    return None


def _make(connection: sa.Connection, tier: Tier, table: str, first: int, now: int) -> int:
    with connection.begin():
        existing = partitions_of(connection, table).values()
        default = _default_of(connection, table)
        size = connection.execute(_SIZE, {"name": default}).scalar_one() or 0
    if default is not None:
        forget_checks(connection, default)
    missing = _missing(existing, PARTITION_MINUTES[tier], first, now + AHEAD)
    if default is None or size <= _SMALL_BYTES:
        return sum(attach(connection, tier, table, default, part) for part in missing)
    untouched = now + _UNTOUCHED_FROM
    if not any(part.first >= untouched for part in missing):
        return 0
    # Reading it takes its time: seldom, without holding anybody up.
    further = _missing(existing, PARTITION_MINUTES[tier], untouched, now + _FAR_AHEAD)
    further = [part for part in further if part.first >= untouched]
    return split_off(connection, table, default, further)


def _missing(existing: Collection[Range], length: int, first: int, last: int) -> list[Range]:
    """Ranges between two minutes, both included, that no partition lies in."""
    starts = range(first - first % length, last + 1, length)
    wanted = (Range(start, start + length) for start in starts)
    return [part for part in wanted if not any(part.overlaps(other) for other in existing)]


def _drop(connection: sa.Connection, table: str, kept: int) -> int:
    with connection.begin():
        old = [n for n, part in partitions_of(connection, table).items() if part.last <= kept]
    if old:
        with connection.begin():
            # The table itself is locked too, for as long as it takes to take a file away.
            connection.exec_driver_sql("SET LOCAL lock_timeout = '300ms'")
            connection.exec_driver_sql(f"DROP TABLE {', '.join(old)}")
    return len(old)


def _minute(text: str, unbounded: int) -> int:
    return unbounded if text in {"MINVALUE", "MAXVALUE"} else int(text.strip("'"))


_BOUND = re.compile(r"FOR VALUES FROM \((MINVALUE|'?-?\d+'?)\) TO \((MAXVALUE|'?-?\d+'?)\)")
_PARTITIONS = sa.text("""
    SELECT i.inhrelid::regclass::text, pg_get_expr(c.relpartbound, c.oid)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(:table)
""")
_SIZE = sa.text("SELECT pg_relation_size(to_regclass(:name))")
