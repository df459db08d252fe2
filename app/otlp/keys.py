"""Raw label bytes as the key of a series.

CloudWatch repeats the same label bytes for a series every minute. ``SeriesKeys`` maps those bytes
to a small integer, the slot; only bytes never seen before are decoded into text, once.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from app.arrays import IntArray
from app.errors import WireError
from app.otlp import decoder as decoders
from app.otlp.decoder import Decoder, chosen
from app.otlp.key_table import DictKeyTable, KeyTable, RawSeries
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason
from app.otlp.scan import NewSeries

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

    def meet(self, new: NewSeries) -> None:
        """Give slots to series that a scanner met; not to those whose points cannot be taken."""

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series is CloudWatch's, whose summaries are of a period."""

    native: "NativeTable | None"
    """The table that the native scanner can search; None if the reference is to read."""

    def allowed(self) -> bytes | None:
        """By number of an account, whether its points may be taken; None for all."""


class Descriptions(NamedTuple, Generic[Description]):
    """What is told of many series at once: None for one that cannot be described.

    ``kind`` is of each; those of one kind agree in number, account, and whether they have a
    namespace. ``firsts`` has a series of each kind, ``numbers`` the number.
    """

    texts: Sequence[Description | None]
    kind: IntArray
    firsts: IntArray
    numbers: IntArray


class SeriesKeys(Generic[Description]):
    """Slots of raw series; one table is shared by all decoders of a process.

    ``describe`` decodes a raw series, and raises ``WireError`` when it cannot be; such a series
    gets no slot. ``number`` gives the number of what the series has in common with others, such as
    where its points come from; it is asked once. ``describe_all`` does both for many series, or
    gives None: then they are asked about one by one. Slots are dense, from 0, and are never reused.
    ``decoder`` is what is to read records into this table. Thread-safe.
    """

    def __init__(
        self,
        describe: Callable[[RawSeries], Description],
        number: Callable[[RawSeries, Description], int] = lambda _raw, _description: 0,
        decoder: Decoder = Decoder.AUTO,
        describe_all: Callable[[NewSeries], Descriptions[Description] | None] = lambda _: None,
    ) -> None:
        self._describe = describe
        self._describe_all = describe_all
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
        self._reserve(slot + 1)
        self._numbers[slot] = number
        self._descriptions[slot:] = [description]
        return self._table.add(raw, self._account(description), bool(description.namespace))

    def meet(self, new: NewSeries) -> None:
        """Give slots to series that have none, in their order, as far as they can be described."""
        texts, kind, firsts, numbers = self._describe_all(new) or self._one_by_one(new)
        with self._lock:
            # Another thread may have met them meanwhile.
            unknown = np.flatnonzero(np.array(new.slots(), np.int64) < 0).tolist()
            found = [(row, text) for row in unknown if (text := texts[row]) is not None]
            if not found:
                return
            rows = np.array([row for row, _ in found], np.int64)
            slot = len(self._table)
            self._reserve(slot + len(rows))
            self._numbers[slot : slot + len(rows)] = numbers[kind[rows]]
            self._descriptions[slot:] = [text for _, text in found]
            marks = [self._mark(texts[row]) for row in firsts.tolist()]
            new.add(rows, np.array(marks, np.int32)[kind[rows]])

    def _reserve(self, size: int) -> None:
        if size > len(self._numbers):
            # Who reads meanwhile has the old array, which has all slots that he knows.
            grown = np.zeros(max(size, 2 * len(self._numbers)), np.int64)
            grown[: len(self._numbers)] = self._numbers
            self._numbers = grown

    def _mark(self, description: Description | None) -> int:
        if description is None:
            return 0
        return 2 * self._account(description) + bool(description.namespace)

    def _account(self, description: Description) -> int:
        account = self._account_numbers.get(description.account)
        if account is None:
            account = len(self._accounts)
            self._accounts.append(description.account)
            self._account_numbers[description.account] = account
        return account

    def _one_by_one(self, new: NewSeries) -> Descriptions[Description]:
        texts: list[Description | None] = []
        numbers = np.zeros(len(new), np.int64)
        for row, raw in enumerate(new):
            try:
                text = self._describe(raw)
            except WireError:
                texts.append(None)
            else:
                texts.append(text)
                numbers[row] = self._number(raw, text)
        each = np.arange(len(new))
        return Descriptions(texts, each, each, numbers)

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
        return self.descriptions([slot])[0]

    def descriptions(self, slots: Sequence[int]) -> list[Description]:
        """The same of many slots. Raises ``LookupError`` for one that has been forgotten."""
        found = [self._descriptions[slot] for slot in slots]
        known = [description for description in found if description is not None]
        if len(known) < len(found):
            forgotten = slots[found.index(None)]
            raise LookupError(f"the description of slot {forgotten} has been forgotten")
        return known

    def forget(self, slots: Iterable[int]) -> None:
        """Free the descriptions of slots that will not be asked for again."""
        for slot in slots:
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
        self.meet = keys.meet
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
