"""Both decoders on the same bytes: the same columns, to the last bit, or the same rejections.

The tables live on from one input to the next, as in a server, so that what is decoded are known
series as well as new ones.
"""

import random
from functools import cache

import pytest

from app.catalog import SeriesIdentity, describe
from app.otlp import (
    BatchBuilder,
    BoundKeys,
    Decoder,
    MetricBatch,
    SeriesKeys,
    SlotTable,
    decode_record,
    decoder,
)
from app.otlp.framing import frame, split_messages
from app.simulator import AccountModel, Format, encode_records
from tests.fuzz.seeds import START_MS

needs_scanner = pytest.mark.skipif(
    not decoder.IS_BUILT, reason="the native scanner was not built: no compiler, or no Cython"
)
"""Marks the tests that have nothing to hold against the reference without it."""

Keys = SeriesKeys[SeriesIdentity]

_SEEDS = 60
_INTERESTING = (0x00, 0x01, 0x0A, 0x12, 0x22, 0x2C, 0x30, 0x5C, 0x7F, 0x80, 0x85, 0xFF)


class Difference(AssertionError):
    """The decoders do not agree."""


class Pair:
    """A table of each decoder; ``accounts`` binds both, ``constant_hash`` makes keys collide."""

    def __init__(
        self, accounts: frozenset[str] | None = None, *, constant_hash: bool = False
    ) -> None:
        self.reference: Keys = SeriesKeys(describe, decoder=Decoder.REFERENCE)
        self.native: Keys = SeriesKeys(describe, decoder=Decoder.NATIVE)
        if constant_hash:
            self.native.native = self.native._table = decoder.NativeTable(constant_hash=True)
        self._accounts = accounts

    def check(self, *records: bytes) -> MetricBatch:
        """What the native decoder makes of records. Raises ``Difference``."""
        expected, expected_faults = self._decoded(self.reference, records)
        found, found_faults = self._decoded(self.native, records)
        if expected_faults != found_faults:
            raise Difference(f"{expected_faults} faults, not {found_faults}")
        if said(expected, self.reference) != said(found, self.native):
            raise Difference(f"expected {expected}, found {found}")
        return found

    def _decoded(self, keys: Keys, records: tuple[bytes, ...]) -> tuple[MetricBatch, int]:
        table: SlotTable = keys if self._accounts is None else BoundKeys(keys, self._accounts)
        builder = BatchBuilder()
        for index, record in enumerate(records):
            decode_record(index, record, table, builder)
        return builder.build(), builder.faults


def said(batch: MetricBatch, keys: Keys) -> tuple[object, ...]:
    """Everything in a batch; slots, which are each table's own, by what they stand for."""
    identities = [keys.description(slot) for slot in batch.slot.tolist()]
    columns = (batch.start_ms, batch.period_ms, batch.count, batch.total)
    more = (batch.minimum, batch.maximum, batch.extra_row, batch.extra_statistic, batch.extra_value)
    return (
        identities,
        [column.tobytes() for column in (*columns, *more)],
        batch.statistic_names,
        batch.rejections,
        batch.without_value,
        batch.records,
    )


@cache
def _short(format_: Format, number: int) -> bytes:
    """A record of one point, or of two of one series."""
    points = AccountModel(number, tables=1).points(START_MS)
    first = number * 7 % len(points)
    return encode_records(points[first : first + 1 + number % 2], format_)[0]


def damaged(format_: Format, number: int) -> bytes:
    """A short record in which bytes were changed, cut out or put in."""
    rng = random.Random(f"{format_} {number}")
    record = _short(format_, number % _SEEDS)
    if format_ is Format.JSON:
        return bytes(_damage(rng, bytearray(record)))
    if rng.random() < 0.1:
        return bytes(_damage(rng, bytearray(record)))
    # The framing is whole, so that the damage is looked at.
    messages = [bytearray(message) for message in split_messages(record)]
    return b"".join(frame(bytes(_damage(rng, message))) for message in messages)


def _damage(rng: random.Random, data: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(data)) if data else 0
        match rng.randrange(6):
            case 0 if data:
                data[at] ^= 1 << rng.randrange(8)
            case 1 if data:
                data[at] = rng.choice(_INTERESTING)
            case 2:
                del data[at : at + rng.choice((1, 2, 9, 30))]
            case 3:
                data[at:at] = rng.randbytes(rng.choice((1, 2, 9)))
            case 4:
                data[at:at] = data[at : at + rng.choice((2, 9, 11, 20))]
            case _ if data:
                data[at] = (data[at] + rng.choice((1, -1))) % 256
    return data
