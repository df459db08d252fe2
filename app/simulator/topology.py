"""The tables, indexes and operations of the simulated account, and how much each is used.

A table's properties depend on its position alone, so that an account of 200 tables contains the
one of 20, and every kind of table is present from about 15 tables on.
"""

from dataclasses import dataclass
from enum import Enum

from app.simulator.draws import key_of

REGIONS = (
    "us-east-1",
    "eu-west-1",
    "ap-southeast-2",
    "us-west-2",
    "eu-central-1",
    "ap-northeast-1",
    "sa-east-1",
    "ca-central-1",
)
ACCOUNT_CAPACITY = 80_000.0
TABLE_CAPACITY = 40_000.0

_WORDS = (
    "orders",
    "sessions",
    "customers",
    "carts",
    "inventory",
    "payments",
    "events",
    "devices",
    "audit-log",
    "feature_flags",
    "invoices",
    "shipments",
    "coupons",
    "reviews",
    "search.terms",
    "tickets",
    "messages",
    "locks",
    "profiles",
    "telemetry",
)
_INDEX_WORDS = ("by-date", "by-owner", "by-status", "by-region", "by-type")


class Activity(Enum):
    """How busy a table is: requests per minute of one operation, at the daily mean."""

    IDLE = 0.0
    CALM = 9.0
    BUSY = 2_400.0
    HOT = 45_000.0


_ACTIVITIES = (
    Activity.BUSY,
    Activity.CALM,
    Activity.IDLE,
    Activity.HOT,
    Activity.CALM,
    Activity.BUSY,
    Activity.IDLE,
    Activity.CALM,
    Activity.BUSY,
    Activity.HOT,
)


@dataclass(frozen=True, slots=True)
class Table:
    """One DynamoDB table. Capacities are units per second; 0 in on-demand mode."""

    name: str
    activity: Activity
    on_demand: bool
    is_global: bool
    expires_items: bool
    indexes: tuple[str, ...]
    operations: tuple[str, ...]
    read_capacity: float
    write_capacity: float


def table(position: int, indexes_per_table: int) -> Table:
    """Return the table at a position, from 0. One table in three has no indexes."""
    word = _WORDS[position % len(_WORDS)]
    generation = position // len(_WORDS)
    activity = _ACTIVITIES[position % len(_ACTIVITIES)]
    on_demand = position % 3 == 1
    capacity = {Activity.IDLE: 5.0, Activity.CALM: 10.0, Activity.BUSY: 200.0, Activity.HOT: 3000.0}
    return Table(
        name=f"{word}-{generation}" if generation else word,
        activity=activity,
        on_demand=on_demand,
        is_global=position % 6 == 0,
        expires_items=position % 4 == 1,
        indexes=() if position % 3 == 2 else index_names(indexes_per_table),  # noqa: PLR2004
        operations=_operations(position),
        read_capacity=0.0 if on_demand else capacity[activity],
        write_capacity=0.0 if on_demand else capacity[activity] / 2,
    )


def index_names(count: int) -> tuple[str, ...]:
    """Return distinct names of global secondary indexes."""
    words = len(_INDEX_WORDS)
    return tuple(
        _INDEX_WORDS[i % words] + (f"-{i // words}" if i >= words else "") for i in range(count)
    )


def account_id(seed: int, position: int) -> str:
    """Return twelve digits that look like an AWS account."""
    return f"{key_of(seed, 'account', position) % 900_000_000_000 + 100_000_000_000}"


def _operations(position: int) -> tuple[str, ...]:
    every_nth = (
        ("GetItem", 1),
        ("PutItem", 1),
        ("Query", 1),
        ("UpdateItem", 2),
        ("DeleteItem", 3),
        ("BatchWriteItem", 4),
        ("Scan", 5),
        ("TransactWriteItems", 7),
    )
    return tuple(name for name, nth in every_nth if position % nth == 0)
