"""From raw series to slots: what a table does, and the one of Python's own dict.

The native table of ``app.otlp.scanner`` does the same in a thirtieth of the memory, and can be
searched by the scanner.
"""

from typing import NamedTuple, Protocol

from app.otlp.rejection import Format


class RawSeries(NamedTuple):
    """The undecoded bytes that name a series; equal bytes name equal series.

    ``kind`` is the point type (see ``app.otlp.points``). For OpenTelemetry, ``resource`` is the
    serialized Resource, ``labels`` the serialized StringKeyValue or KeyValue messages of the point.
    For CloudWatch JSON, ``resource`` holds the account and region, ``labels`` the namespace and the
    raw JSON of the dimensions and of the stream's name.
    """

    format: Format
    kind: str
    resource: bytes
    metric: bytes
    unit: bytes
    labels: tuple[bytes, ...]


class KeyTable(Protocol):
    """Slots are dense, from 0. Finding is thread-safe; only one thread may add at a time."""

    def __len__(self) -> int: ...

    def find(self, raw: RawSeries) -> int:
        """The slot of a series, -1 if it has none."""

    def add(self, raw: RawSeries, account: int, is_cloudwatch: bool) -> int:  # noqa: FBT001
        """Give a series that has none the next slot; returns it."""

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series of a slot is CloudWatch's."""

    def account(self, slot: int) -> int:
        """The number of the account of the series in this slot."""


class DictKeyTable:
    """The table of the reference decoder."""

    def __init__(self) -> None:
        self._slots: dict[RawSeries, int] = {}
        self._accounts: list[int] = []
        self._is_cloudwatch = bytearray()

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, raw: RawSeries) -> int:
        """The slot of a series, -1 if it has none."""
        return self._slots.get(raw, -1)

    def add(self, raw: RawSeries, account: int, is_cloudwatch: bool) -> int:  # noqa: FBT001
        """Give a series that has none the next slot; returns it."""
        slot = len(self._slots)
        self._is_cloudwatch.append(is_cloudwatch)
        self._accounts.append(account)
        self._slots[raw] = slot
        return slot

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series of a slot is CloudWatch's."""
        return bool(self._is_cloudwatch[slot])

    def account(self, slot: int) -> int:
        """The number of the account of the series in this slot."""
        return self._accounts[slot]
