"""Which calls of GetMetricData ask for what is missing, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog import SeriesIdentity
from app.cloudwatch import MOST_DATA_POINTS, MOST_QUERIES, SeriesQuery
from app.pipeline.gaps import MERGED_MINUTES

_STATISTICS_OF_A_CHARGE = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """Minutes of a series from ``first`` up to ``last``, with the query that gives them."""

    identity: SeriesIdentity
    query: SeriesQuery
    first: int
    last: int

    @property
    def charged(self) -> int:
        """Metrics that AWS counts: one for each five statistics of a metric in a call, begun."""
        return -(-len(self.query.statistics) // _STATISTICS_OF_A_CHARGE)


@dataclass(frozen=True, slots=True)
class GapCall:
    """A call: series of one region. Its range is the hull of theirs."""

    region: str
    wanted: tuple[Wanted, ...]
    first: int
    last: int

    @property
    def charged(self) -> int:
        """Metrics that AWS counts."""
        return sum(each.charged for each in self.wanted)


def plan_calls(wanted: Sequence[Wanted]) -> list[GapCall]:
    """Calls within the limits of GetMetricData, the answer of each on one page.

    The longer the ranges, the fewer series go into a call: a charge is for a series in a call,
    however long its range.
    """
    calls: list[GapCall] = []
    open_call: list[Wanted] = []

    def close() -> None:
        if open_call:
            first, last = _hull(open_call)
            calls.append(GapCall(open_call[0].identity.region, tuple(open_call), first, last))
            open_call.clear()

    for each in sorted((part for one in wanted for part in _parts(one)), key=_order):
        if open_call and not _fits(open_call, each):
            close()
        open_call.append(each)
    close()
    return calls


def _parts(wanted: Wanted) -> list[Wanted]:
    """The ranges of a series, none with more data points than a page holds."""
    most = MOST_DATA_POINTS // len(wanted.query.statistics)
    return [
        Wanted(wanted.identity, wanted.query, first, min(first + most, wanted.last))
        for first in range(wanted.first, wanted.last, most)
    ]


def _fits(together: Sequence[Wanted], new: Wanted) -> bool:
    first, last = _hull(together)
    if new.identity.region != together[0].identity.region or new.first - last >= MERGED_MINUTES:
        return False
    queries = sum(len(each.query.statistics) for each in (*together, new))
    minutes = max(last, new.last) - min(first, new.first)
    return queries <= MOST_QUERIES and queries * minutes <= MOST_DATA_POINTS


def _hull(wanted: Sequence[Wanted]) -> tuple[int, int]:
    return min(each.first for each in wanted), max(each.last for each in wanted)


def _order(wanted: Wanted) -> tuple[object, ...]:
    return (
        wanted.identity.region,
        wanted.first,
        wanted.last,
        wanted.identity.account,
        wanted.identity.namespace,
        wanted.identity.metric,
        wanted.identity.dimensions,
        wanted.identity.unit,
    )
