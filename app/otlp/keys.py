"""Raw label bytes as the key of a series.

CloudWatch repeats the same label bytes for a series every minute. ``SeriesKeys`` maps those bytes
to a small integer, the slot; only bytes never seen before are decoded into text, once.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from app.arrays import IntArray
from app.otlp import decoder as decoders
from app.otlp.decoder import Decoder, chosen
from app.otlp.key_table import DictKeyTable, KeyTable, RawSeries
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason

if TYPE_CHECKING:
    from app.otlp.decoder import NativeTable


class Described(Protocol):
    """What the text of a series must tell the decoders."""

    @property
    def namespace(self) -> str:
        """CloudWatch's namespace, empty for a series of another source."""

    @property
    def account(self) -> str:
        """The account that the series is of, empty if its source does not tell."""


Description = TypeVar("Description", bound=Described)


class SlotTable(Protocol):
    """What the decoders ask for."""

    def slot(self, raw: RawSeries) -> int:
        """The slot of a series. Raises ``WireError`` when its points cannot be taken."""

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series is CloudWatch's, whose summaries are of a period."""

    native: "NativeTable | None"
    """The table that the native scanner can search; None if the reference is to read."""

    def allowed(self) -> bytes | None:
        """By number of an account, whether its points may be taken; None for all."""


class SeriesKeys(Generic[Description]):
    """Slots of raw series; one table is shared by all decoders of a process.

    ``describe`` decodes a raw series, and raises ``WireError`` when it cannot be; such a series
    gets no slot. ``number`` gives the number of what the series has in common with others, such as
    where its points come from; it is asked once. Slots are dense, from 0, and are never reused.
    ``decoder`` is what is to read records into this table. Thread-safe.
    """

    def __init__(
        self,
        describe: Callable[[RawSeries], Description],
        number: Callable[[RawSeries, Description], int] = lambda _raw, _description: 0,
        decoder: Decoder = Decoder.AUTO,
    ) -> None:
        self._describe = describe
        self._number = number
        is_native = chosen(decoder) is Decoder.NATIVE
        self.native = decoders.NativeTable() if is_native else None
        self._table: KeyTable = DictKeyTable() if self.native is None else self.native
        self._numbers = np.zeros(1024, np.int64)
        self._descriptions: list[Description | None] = []
        # Accounts are few: each text is there once, and a series has its number.
        self._accounts: list[str] = []
        self._account_numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._table)

    def slot(self, raw: RawSeries) -> int:
        """The slot of a series, decoding it when it is new. Raises ``WireError``."""
        slot = self._table.find(raw)
        if slot >= 0:
            return slot
        description = self._describe(raw)
        number = self._number(raw, description)
        with self._lock:
            slot = self._table.find(raw)
            return self._add(raw, description, number) if slot < 0 else slot

    def _add(self, raw: RawSeries, description: Description, number: int) -> int:
        """All about the slot is in its place before anyone can find it."""
        slot = len(self._table)
        if slot == len(self._numbers):
            # Who reads meanwhile has the old array, which has all slots that he knows.
            self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)])
        self._numbers[slot] = number
        self._descriptions[slot:] = [description]
        account = self._account_numbers.get(description.account)
        if account is None:
            account = len(self._accounts)
            self._accounts.append(description.account)
            self._account_numbers[description.account] = account
        return self._table.add(raw, account, bool(description.namespace))

    def allowed(self) -> bytes | None:
        """None: a table without a bound lets everything through."""
        return None

    def allowed_among(self, accounts: frozenset[str]) -> bytes:
        """By number of an account that has been seen so far: whether it is one of these."""
        mask = bytearray(len(self._accounts))
        for account in accounts:
            number = self._account_numbers.get(account)
            if number is not None and number < len(mask):
                mask[number] = True
        return bytes(mask)

    def numbers(self, slots: IntArray) -> IntArray:
        """What ``number`` gave for the series of these slots."""
        return self._numbers[slots]

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series is CloudWatch's, whose summaries are of a period."""
        return self._table.is_cloudwatch(slot)

    def account(self, slot: int) -> str:
        """The account of the series in this slot, also when its description is forgotten."""
        return self._accounts[self._table.account(slot)]

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
        self.native = keys.native

    def allowed(self) -> bytes | None:
        """By number of an account, whether its points may be taken."""
        return self._keys.allowed_among(self._allowed)

    def slot(self, raw: RawSeries) -> int:
        """The slot of a series. Raises ``RejectedPoint`` for one of another account."""
        slot = self._keys.slot(raw)
        account = self._keys.account(slot)
        if account not in self._allowed:
            told = f"account {account}" if account else "points without an account"
            raise RejectedPoint(Reason.ACCOUNT, f"the access key may not deliver for {told}")
        return slot
