"""Raw label bytes as the key of a series.

CloudWatch repeats the same label bytes for a series every minute. ``SeriesKeys`` maps those bytes
to a small integer, the slot; only bytes never seen before are decoded into text, once.
"""

import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from app.otlp.rejection import Format


class Described(Protocol):
    """What the text of a series must tell the decoders."""

    @property
    def namespace(self) -> str:
        """CloudWatch's namespace, empty for a series of another source."""


Description = TypeVar("Description", bound=Described)


class RawSeries(NamedTuple):
    """The undecoded bytes that name a series; equal bytes name equal series.

    ``kind`` is the point type (see ``app.otlp.points``). For OpenTelemetry, ``resource`` is the
    serialized Resource, ``labels`` the serialized StringKeyValue or KeyValue messages of the point.
    For CloudWatch JSON, ``resource`` holds the account and region, ``labels`` the namespace and the
    raw JSON of the dimensions.
    """

    format: Format
    kind: str
    resource: bytes
    metric: bytes
    unit: bytes
    labels: tuple[bytes, ...]


class SeriesKeys(Generic[Description]):
    """Slots of raw series; one table is shared by all decoders of a process.

    ``describe`` decodes a raw series, and raises ``WireError`` when it cannot be; such a series
    gets no slot. Slots are dense, from 0, and are never reused. Thread-safe.
    """

    def __init__(self, describe: Callable[[RawSeries], Description]) -> None:
        self._describe = describe
        self._slots: dict[RawSeries, int] = {}
        self._descriptions: list[Description | None] = []
        self._is_cloudwatch = bytearray()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._descriptions)

    def slot(self, raw: RawSeries) -> int:
        """The slot of a series, decoding it when it is new. Raises ``WireError``."""
        slot = self._slots.get(raw)
        if slot is not None:
            return slot
        description = self._describe(raw)
        with self._lock:
            slot = self._slots.get(raw)
            if slot is None:
                slot = len(self._descriptions)
                self._is_cloudwatch.append(bool(description.namespace))
                self._descriptions.append(description)
                self._slots[raw] = slot
            return slot

    def is_cloudwatch(self, slot: int) -> bool:
        """Whether the series is CloudWatch's, whose summaries are of a period."""
        return bool(self._is_cloudwatch[slot])

    def description(self, slot: int) -> Description:
        """What ``describe`` made of the series in this slot, until it is forgotten."""
        description = self._descriptions[slot]
        if description is None:
            raise LookupError(f"the description of slot {slot} has been forgotten")
        return description

    def forget(self, slot: int) -> None:
        """Free the description of a slot that will not be asked for again."""
        self._descriptions[slot] = None
