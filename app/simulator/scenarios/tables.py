"""The tables of the calm account: small, steady, and far from every limit.

Nothing here varies with the seed, so that the answer of a scenario can be read beside this file.
"""

from dataclasses import dataclass

READ = "Read"
WRITE = "Write"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index; capacities are units per second, 0 in on-demand mode.

    `reads` is what queries of it ask for, in units per second. Every write to the table is also
    one to the index.
    """

    name: str
    read_capacity: float
    write_capacity: float
    reads: float


@dataclass(frozen=True, slots=True)
class CalmTable:
    """A table; capacities and on-demand maxima are units per second, 0 for none.

    `operations` gives the units per second that each operation asks for, a unit a request.
    """

    name: str
    operations: tuple[tuple[str, float], ...]
    read_capacity: float = 0.0
    write_capacity: float = 0.0
    read_maximum: float = 0.0
    write_maximum: float = 0.0
    indexes: tuple[Index, ...] = ()
    latency_ms: float = 3.0

    def capacity(self, direction: str, index: str = "") -> float:
        """Return the provisioned units per second of the table or an index of it."""
        owner = self if not index else next(i for i in self.indexes if i.name == index)
        return owner.read_capacity if direction == READ else owner.write_capacity

    def operations_of(self, direction: str) -> tuple[tuple[str, float], ...]:
        """Return the operations that read, or those that write."""
        return tuple((o, rate) for o, rate in self.operations if _direction(o) == direction)


def _direction(operation: str) -> str:
    return READ if operation in ("GetItem", "Query", "Scan", "BatchGetItem") else WRITE


ORDERS = CalmTable(
    "orders",
    (("GetItem", 12.0), ("Query", 8.0), ("PutItem", 6.0), ("UpdateItem", 4.0)),
    read_capacity=100.0,
    write_capacity=50.0,
    indexes=(Index("by-customer", 50.0, 50.0, 6.0),),
)
CARTS = CalmTable(
    "carts",
    (("GetItem", 15.0), ("PutItem", 6.0), ("UpdateItem", 4.0)),
    read_capacity=100.0,
    write_capacity=50.0,
)
LEDGER = CalmTable(
    "ledger",
    (("GetItem", 20.0), ("Query", 5.0), ("PutItem", 40.0)),
    read_capacity=200.0,
    write_capacity=400.0,
    # The index has a quarter of the table's writes: enough for what is usual, and no more.
    indexes=(Index("by-status", 100.0, 100.0, 10.0),),
)
EVENTS = CalmTable(
    "events",
    (("Query", 60.0), ("PutItem", 300.0), ("UpdateItem", 100.0)),
    read_capacity=1000.0,
    write_capacity=4000.0,
)
CUSTOMERS = CalmTable(
    "customers",
    (("GetItem", 15.0), ("Query", 10.0), ("UpdateItem", 3.0)),
    read_maximum=500.0,
    write_maximum=200.0,
    indexes=(Index("by-email", 0.0, 0.0, 4.0),),
)
SESSIONS = CalmTable("sessions", (("GetItem", 30.0), ("PutItem", 20.0), ("DeleteItem", 5.0)))
SETTINGS = CalmTable("settings", (), read_capacity=5.0, write_capacity=5.0)

TABLES = (ORDERS, CARTS, LEDGER, EVENTS, CUSTOMERS, SESSIONS, SETTINGS)
