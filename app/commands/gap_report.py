"""What ``hydrant backfill`` says: what is missing and what it costs, and what came of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.clock import minute_text
from app.commands.counting import counted

if TYPE_CHECKING:
    from app.pipeline import FilledCall, GapPlan

_MOST_REMARKS = 10


def plan_text(plan: "GapPlan", account: str, price: float) -> Iterator[str]:
    """The lines of a plan; ``price`` is that of 1,000 metrics in USD."""
    yield from plan.notes
    span = f"from {minute_text(plan.first)} to {minute_text(plan.last)}"
    if not plan.calls:
        yield (
            f"account {account}, {span}: {plan.known} series known, no gaps found;"
            " nothing to ask for, nothing to pay"
        )
        return
    yield (
        f"account {account}, {span}: {plan.series} of {plan.known} series have gaps,"
        f" {counted(plan.minutes, 'minute')} of a series altogether"
    )
    yield (
        f"GetMetricData: {counted(len(plan.calls), 'call')},"
        f" {counted(plan.charged, 'metric')} requested; about {_usd(plan.charged, price)}"
        f" at {price:g} USD for 1,000 (an estimate: see your region's price of today)"
    )


class GapReport:
    """Sums of what calls have brought."""

    def __init__(self, price: float) -> None:
        self.calls = 0
        self.minutes: set[int] = set()
        self.unfinished: list[str] = []
        self._price = price
        self._filled = self._restated = self._expired = 0
        self._partial = self._empty = self._charged = 0
        self._messages: dict[str, None] = {}

    def add(self, call: "FilledCall") -> None:
        """Count a call that has been stored."""
        self.calls += 1
        self.minutes.update(call.minutes)
        self._filled += call.filled
        self._restated += call.restated
        self._expired += call.expired
        self._partial += call.partial
        self._empty += call.empty
        self._charged += call.charged
        self._messages.update(dict.fromkeys(call.messages))
        for identity, status in call.unfinished:
            name = f"{identity.namespace} {identity.metric} {identity.dimensions_json}"
            self.unfinished.append(f"{identity.region} {name}: {status}")

    def remarks(self) -> Iterator[str]:
        """What CloudWatch had to say, and the series of which it did not give everything."""
        for message in list(self._messages)[:_MOST_REMARKS]:
            yield f"CloudWatch says: {message}"
        for text in self.unfinished[:_MOST_REMARKS]:
            yield f"not filled, as the answer did not become whole: {text}"
        if len(self.unfinished) > _MOST_REMARKS:
            yield f"and {counted(len(self.unfinished) - _MOST_REMARKS, 'more answer')} not whole"

    def summary(self) -> str:
        """One sentence."""
        parts = [f"filled {counted(self._filled, 'point')} in {counted(self.calls, 'call')}"]
        if self._restated:
            parts.append(f"restated {self._restated} that had been filled before")
        if self._partial:
            parts.append(f"left out {self._partial} without all four statistics")
        if self._expired:
            parts.append(f"left out {self._expired} of minutes that are no longer kept")
        if self._empty:
            parts.append(f"CloudWatch has nothing for {counted(self._empty, 'request')}")
        if self.unfinished:
            parts.append(f"{counted(len(self.unfinished), 'answer')} not whole")
        parts.append(f"about {_usd(self._charged, self._price)}")
        return ", ".join(parts)


def _usd(metrics: int, price: float) -> str:
    return f"{metrics * price / 1000:.5f} USD"
