"""Raw label bytes as the key of a series.

CloudWatch repeats the same label bytes for a series every minute. ``SeriesKeys`` maps those bytes
to a small integer, the slot; only bytes never seen before are decoded into text, once.
"""

import sys
import threading
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from app.arrays import IntArray
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Format, Reason


class Described(Protocol):
    """What the text of a series must tell the decoders."""

    @property
    def namespace(self) -> str:
        """CloudWatch's namespace, empty for a series of another source."""

    @property
    def account(self) -> str:
        """The account that the series is of, empty if its source does not tell."""


Description = TypeVar("Description", bound=Described)


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


class SlotTable(Protocol):
    """What the decoders ask for."""

    def slot(self, raw: RawSeries) -> int:
        """The slot of a series. Raises ``WireError`` when its points cannot be taken."""

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series is CloudWatch's, whose summaries are of a period."""


class SeriesKeys(Generic[Description]):
    """Slots of raw series; one table is shared by all decoders of a process.

    ``describe`` decodes a raw series, and raises ``WireError`` when it cannot be; such a series
    gets no slot. ``number`` gives the number of what the series has in common with others, such as
    where its points come from; it is asked once. Slots are dense, from 0, and are never reused.
    Thread-safe.
    """

    def __init__(
        self,
        describe: Callable[[RawSeries], Description],
        number: Callable[[RawSeries, Description], int] = lambda _raw, _description: 0,
    ) -> None:
        self._describe = describe
        self._number = number
        self._numbers = np.zeros(1024, np.int64)
        self._slots: dict[RawSeries, int] = {}
        self._descriptions: list[Description | None] = []
        self._is_cloudwatch = bytearray()
        # Accounts are few: each text is there once, and a slot has a reference to it.
        self._accounts: list[str] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._descriptions)

    def slot(self, raw: RawSeries) -> int:
        """The slot of a series, decoding it when it is new. Raises ``WireError``."""
        slot = self._slots.get(raw)
        if slot is not None:
            return slot
        description = self._describe(raw)
        number = self._number(raw, description)
        with self._lock:
            slot = self._slots.get(raw)
            if slot is None:
                slot = len(self._descriptions)
                if slot == len(self._numbers):
                    # Who reads meanwhile has the old array, which has all slots that he knows.
                    self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)])
                self._numbers[slot] = number
                self._is_cloudwatch.append(bool(description.namespace))
                self._accounts.append(sys.intern(description.account))
                self._descriptions.append(description)
                self._slots[raw] = slot
            return slot

    def numbers(self, slots: IntArray) -> IntArray:
        """What ``number`` gave for the series of these slots."""
        return self._numbers[slots]

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series is CloudWatch's, whose summaries are of a period."""
        return bool(self._is_cloudwatch[slot])

    def account(self, slot: int) -> str:
        """The account of the series in this slot, also when its description is forgotten."""
        return self._accounts[slot]

    def description(self, slot: int) -> Description:
        """What ``describe`` made of the series in this slot, until it is forgotten."""
        description = self._descriptions[slot]
        if description is None:
            raise LookupError(f"the description of slot {slot} has been forgotten")
        return description

    def forget(self, slot: int) -> None:
        """Free the description of a slot that will not be asked for again."""
        self._descriptions[slot] = None


class BoundKeys:
    """A table that lets only series of some accounts through: what a bound access key may deliver.

    The account is the points' own, from resource attributes or JSON fields. The ARN of the Firehose
    says nothing, as a monitoring account streams the metrics of many.
    """

    def __init__(self, keys: SeriesKeys[Any], accounts: frozenset[str]) -> None:
        self._keys = keys
        self._allowed = accounts
        self.is_cloudwatch = keys.is_cloudwatch

    def slot(self, raw: RawSeries) -> int:
        """The slot of a series. Raises ``RejectedPoint`` for one of another account."""
        slot = self._keys.slot(raw)
        account = self._keys.account(slot)
        if account not in self._allowed:
            told = f"account {account}" if account else "points without an account"
            raise RejectedPoint(Reason.ACCOUNT, f"the access key may not deliver for {told}")
        return slot
