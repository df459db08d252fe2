"""What a run with faults left behind, held against a run without any."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.storage.tables import VIEWS
from tests.fixtures.sql import sql_engine

POINTS = "v_points"
_IDENTITY = ("account", "region", "namespace", "metric", "dimensions", "unit", "start_ms")


@dataclass
class Comparison:
    """Points by what became of them, and rows that differ in each view.

    ``found`` are acknowledged points that are there, ``lost`` those that are not; ``doubled`` are
    there more than once, ``changed`` with other statistics; ``foreign`` were never sent.
    """

    found: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    foreign: int = 0
    different_rows: dict[str, int] = field(default_factory=dict)
    equal_rows: dict[str, int] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """Whether both runs have left the same behind, to the last bit."""
        faults = self.lost + self.doubled + self.changed + self.foreign
        return not faults and not any(self.different_rows.values())


def compare(clean_url: str, url: str) -> Comparison:
    """Compare the views of two databases of one kind, minute by minute."""
    result = Comparison()
    with _connected(clean_url) as clean, _connected(url) as tried:
        for view in VIEWS:
            result.different_rows[view] = result.equal_rows[view] = 0
            for minute in sorted(_minutes(clean, view) | _minutes(tried, view)):
                wanted, found = _rows(clean, view, minute), _rows(tried, view, minute)
                if view == POINTS:
                    _judge(_by_identity(clean, minute), _by_identity(tried, minute), result)
                result.different_rows[view] += ((wanted - found) + (found - wanted)).total()
                result.equal_rows[view] += (wanted & found).total()
    return result


def _judge(
    wanted: dict[tuple[object, ...], list[str]],
    found: dict[tuple[object, ...], list[str]],
    result: Comparison,
) -> None:
    for identity, rows in wanted.items():
        there = found.get(identity, [])
        result.found += bool(there)
        result.lost += not there
        result.doubled += len(there) > 1
        result.changed += len(there) == 1 and there != rows
    result.foreign += len(found.keys() - wanted.keys())


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = sql_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _minutes(connection: sa.Connection, view: str) -> set[int]:
    return set(connection.execute(sa.text(f"SELECT DISTINCT minute FROM {view}")).scalars())


def _rows(connection: sa.Connection, view: str, minute: int) -> Counter[str]:
    query = sa.text(f"SELECT * FROM {view} WHERE minute = :minute")
    # repr keeps every digit of a double, and makes NULLs and texts comparable.
    return Counter(repr(tuple(row)) for row in connection.execute(query, {"minute": minute}))


def _by_identity(connection: sa.Connection, minute: int) -> dict[tuple[object, ...], list[str]]:
    query = sa.text(f"SELECT * FROM {POINTS} WHERE minute = :minute")
    found: dict[tuple[object, ...], list[str]] = {}
    for row in connection.execute(query, {"minute": minute}):
        identity = tuple(row._mapping[name] for name in _IDENTITY)
        found.setdefault(identity, []).append(repr(tuple(row)))
    return found
