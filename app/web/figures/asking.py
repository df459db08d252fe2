"""The figures that pages show, read with the functions of REST and remembered for a while."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from app.api import ApiContext
from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.cost_report import CostQuestion, CostReport, cost_span, read_costs
from app.dynamodb.limits import DEFAULT_MS, TIER, TimeToLimit, time_to_limits
from app.dynamodb.limits import METRICS as LIMIT_METRICS
from app.dynamodb.prices import load_prices
from app.dynamodb.scope import read_scope, scope_of
from app.web.figures.table_rows import METRICS, TableFigures, table_figures
from app.web.remembered import AT_ONCE_SECONDS, Kept, Remembered
from app.web.time_range import PageRange

POINTS = 600_000
"""Pages read longer buckets rather than more points than this; sums are the same."""
COST_POINTS = 200_000
"""The same for costs: what is consumed and provisioned does not depend on it."""
_HOURLY_SECONDS = 900.0
"""What is of whole hours changes with them, or when something comes late."""
_HOUR_MS = 60 * MILLISECONDS_PER_MINUTE
_DAY_MS = 24 * 60 * MILLISECONDS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class RangeQuestion:
    """Figures over the range of a page; ``account`` None is all."""

    start_ms: int
    end_ms: int
    moving: str | None
    account: str | None = None

    @property
    def subject(self) -> Hashable:
        """A live range takes over from itself a minute ago."""
        if self.moving is not None:
            return self.moving, self.account
        return self.start_ms, self.end_ms, self.account


class Figures:
    """Built once; used from several threads. Answers are None while they are being worked out."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._tables = Remembered(context.clock, self._read_tables)
        longest = _HOURLY_SECONDS
        self._days = Remembered(context.clock, self._read_costs, longest_seconds=longest)
        self._costs = Remembered(context.clock, self._read_costs, longest_seconds=longest)
        self._limits = Remembered(context.clock, self._read_limits, longest_seconds=longest)

    def tables(
        self, shown: PageRange, wait_seconds: float = AT_ONCE_SECONDS
    ) -> Kept[TableFigures] | None:
        """All tables and accounts over the range."""
        return self._tables.ask(_question(shown), wait_seconds)

    def day_costs(
        self, shown: PageRange, wait_seconds: float = AT_ONCE_SECONDS
    ) -> Kept[CostReport] | None:
        """What all tables cost in the 24 whole hours before the end of the range."""
        return self._days.ask(_whole_hours(shown, _DAY_MS), wait_seconds)

    def week_costs(
        self, shown: PageRange, account: str, wait_seconds: float = AT_ONCE_SECONDS
    ) -> Kept[CostReport] | None:
        """What the tables of an account cost in the seven days before the end of the range."""
        return self._costs.ask(_whole_hours(shown, 7 * _DAY_MS, account), wait_seconds)

    def limits(
        self, shown: PageRange, account: str, wait_seconds: float = AT_ONCE_SECONDS
    ) -> Kept[Sequence[TimeToLimit]] | None:
        """When the tables of an account, and the account, reach their limits."""
        return self._limits.ask(_whole_hours(shown, DEFAULT_MS, account), wait_seconds)

    def _read_tables(self, question: RangeQuestion) -> TableFigures:
        scope = scope_of(
            self._context.clock.now_ms(), start_ms=question.start_ms, end_ms=question.end_ms
        )
        most = self._context.query_max_points
        with self._context.store.read() as connection:
            reading = read_scope(connection, scope, METRICS, most_points=most, aim=POINTS)
        return table_figures(reading)

    def _read_costs(self, question: RangeQuestion) -> CostReport:
        now_ms = self._context.clock.now_ms()
        span = cost_span(now_ms, question.start_ms, question.end_ms, 0)
        asked = CostQuestion(question.account, None, None, span)
        prices = load_prices(self._context.price_file)
        most = min(self._context.query_max_points, COST_POINTS)
        with self._context.store.read() as connection:
            return read_costs(connection, asked, prices, most_points=most)

    def _read_limits(self, question: RangeQuestion) -> Sequence[TimeToLimit]:
        scope = scope_of(
            self._context.clock.now_ms(),
            account=question.account,
            start_ms=question.start_ms,
            end_ms=question.end_ms,
        )
        most = self._context.query_max_points
        with self._context.store.read() as connection:
            reading = read_scope(connection, scope, LIMIT_METRICS, most_points=most, finest=TIER)
        return time_to_limits(reading)


def _question(shown: PageRange) -> RangeQuestion:
    moving = shown.start_text if shown.live else None
    return RangeQuestion(shown.start_ms, shown.end_ms, moving)


def _whole_hours(shown: PageRange, length_ms: int, account: str | None = None) -> RangeQuestion:
    """The whole hours before the end of a page's range; it is the same for an hour."""
    end_ms = shown.end_ms - shown.end_ms % _HOUR_MS
    moving = "now" if shown.live else None
    return RangeQuestion(max(0, end_ms - length_ms), end_ms, moving, account)
