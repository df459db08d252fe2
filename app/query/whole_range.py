"""Values of a whole range of time, read from as few rows as there are.

Hours that have been rolled up and have not changed since, then buckets of 5 minutes, and minutes at
the edges. What comes out is combined by the metric's own rule, for which it makes no difference how
the minutes were grouped, but for the last bit of sums that were rounded before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.clock import MILLISECONDS_PER_MINUTE
from app.query.resolution import OLDEST_MS
from app.storage import (
    Connection,
    Tier,
    ValueRange,
    check_limit,
    marked_buckets,
    read_kept,
    read_values,
)

COARSEST_FIRST = tuple(sorted(Tier, reverse=True))


@dataclass(frozen=True, slots=True)
class Piece:
    """Minutes from ``begin`` to before ``end`` that a tier answers; both are multiples of it."""

    tier: Tier
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class WholeRange:
    """Minutes from ``begin`` to before ``end``, in pieces in the order of time."""

    begin: int
    end: int
    pieces: tuple[Piece, ...]


def whole_range(
    connection: Connection, start_ms: int, end_ms: int, *, rolled_up: bool = True
) -> WholeRange:
    """How to read a range, widened at either end to what is still kept there.

    Values of a metric without a rule are not ``rolled_up`` any more: one tier has to answer.
    """
    kept = read_kept(connection)
    begin = _aligned(kept, start_ms // MILLISECONDS_PER_MINUTE, up=False)
    end = _aligned(kept, -(-end_ms // MILLISECONDS_PER_MINUTE), up=True)
    if start_ms == OLDEST_MS:
        begin = Tier.HOUR.bucket(min(kept.values()) + Tier.HOUR - 1)
    if not rolled_up:
        tier = next((tier for tier in Tier if kept[tier] <= begin), Tier.HOUR)
        begin, end = tier.bucket(begin), tier.bucket(end + tier - 1)
        return WholeRange(begin, end, (Piece(tier, begin, end),))
    marked = {tier: marked_buckets(connection, tier) for tier in COARSEST_FIRST[:-1]}
    pieces = tuple(cover(begin, end, marked)) or (Piece(Tier.MINUTE, begin, begin),)
    return WholeRange(begin, end, pieces)


def cover(
    begin: int,
    end: int,
    marked: Mapping[Tier, frozenset[int]],
    tiers: Sequence[Tier] = COARSEST_FIRST,
) -> Iterator[Piece]:
    """Pieces of the longest tiers whose buckets lie in [``begin``, ``end``) and are not marked."""
    if begin >= end:
        return
    tier, *finer = tiers
    if not finer:
        yield Piece(tier, begin, end)
        return
    first, last = tier.bucket(begin + tier - 1), tier.bucket(end)
    if first >= last:
        yield from cover(begin, end, marked, finer)
        return
    yield from cover(begin, first, marked, finer)
    at = first
    for gap_begin, gap_end in _runs(sorted(b for b in marked[tier] if first <= b < last), tier):
        if at < gap_begin:
            yield Piece(tier, at, gap_begin)
        yield from cover(gap_begin, gap_end, marked, finer)
        at = gap_end
    if at < last:
        yield Piece(tier, at, last)
    yield from cover(last, end, marked, finer)


def read_whole_range(
    connection: Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    wanted: WholeRange,
    *,
    limit: int,
) -> ValueRange:
    """Values ordered by (entity, label set, minute); None means every entity.

    Raises ``ResultTooLarge`` when more than ``limit`` rows would be read.
    """
    parts: list[ValueRange] = []
    for piece in wanted.pieces:
        part = read_values(
            connection,
            metric_id,
            entity_ids,
            piece.begin * MILLISECONDS_PER_MINUTE,
            piece.end * MILLISECONDS_PER_MINUTE,
            limit=limit,
            tier=piece.tier,
        )
        parts.append(part)
        check_limit(sum(map(len, parts)), limit)
    if len(parts) == 1:
        return parts[0]
    order = np.lexsort(
        [
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("minute", "label_set_id", "entity_id")
        ]
    )
    return ValueRange(
        np.concatenate([part.entity_id for part in parts])[order],
        np.concatenate([part.label_set_id for part in parts])[order],
        np.concatenate([part.minute for part in parts])[order],
        np.concatenate([part.value for part in parts])[order],
        np.concatenate([part.numerator for part in parts])[order],
        np.concatenate([part.weight for part in parts])[order],
        np.concatenate([part.minutes for part in parts])[order],
    )


def _aligned(kept: Mapping[Tier, int], minute: int, *, up: bool) -> int:
    """A minute moved to a multiple of the finest tier that goes back to it."""
    tier = next((tier for tier in Tier if kept[tier] <= minute), Tier.HOUR)
    return tier.bucket(minute + tier - 1) if up else tier.bucket(minute)


def _runs(buckets: Sequence[int], tier: Tier) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for bucket in buckets:
        if runs and runs[-1][1] == bucket:
            runs[-1] = runs[-1][0], bucket + tier
        else:
            runs.append((bucket, bucket + tier))
    return runs
