"""Which tier a selector reads (ADR 0029): minutes, unless a longer one says the same.

Minutes are read as long as they are kept back to the start. Before that the finest tier that goes
back so far is read, for the whole selector, and an info says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.clock import MILLISECONDS_PER_MINUTE, minute_text
from app.mal import Combine
from app.promql.reader import Selection
from app.query.statistics import MAXIMUM, MINIMUM, SAMPLE_COUNT, SUM
from app.storage import Tier

_OF_FUNCTION = {
    "sum_over_time": ({SUM, SAMPLE_COUNT}, Combine.SUM),
    "min_over_time": ({MINIMUM}, Combine.MINIMUM),
    "max_over_time": ({MAXIMUM}, Combine.MAXIMUM),
}
_TEXT = {Tier.FIVE_MINUTES: "5 minutes", Tier.HOUR: "1 hour"}


@dataclass(frozen=True, slots=True)
class TierChoice:
    """The tier that reaches back to a selection's start, and those that fit its windows.

    ``whole`` has whole buckets in every window. ``single`` has one in each: a sum of several
    rounded sums may differ in the last bit from that of the minutes, which is rounded once.
    """

    tier: Tier
    whole: Tier
    single: Tier
    kept_minute: int

    def of_statistic(self, function: str, statistic: str) -> Tier:
        """The tier to read of a CloudWatch statistic under a function."""
        wanted, _ = _OF_FUNCTION.get(function, (frozenset(), None))
        if statistic not in wanted:
            return self.tier
        # SampleCounts are sums, too: those of statistic sets need not be whole numbers.
        return self.single if function == "sum_over_time" else self.whole

    def of_metric(self, function: str, combine: Combine | None) -> Tier:
        """The tier to read of a rule's metric; None for a metric that no rule defines any more."""
        _, wanted = _OF_FUNCTION.get(function, (frozenset(), None))
        if combine is None or combine is not wanted:
            return self.tier
        return self.single if combine is Combine.SUM else self.whole

    @property
    def kept_text(self) -> str:
        """Since when minutes are kept, in RFC 3339."""
        return minute_text(self.kept_minute)

    def info(self, read: Tier) -> str:
        """What the user should know of the tier that was read; empty if it says what minutes say.

        Those that are ``whole`` or ``single`` do.
        """
        if read is not self.tier or read is Tier.MINUTE:
            return ""
        length = _TEXT[self.tier]
        return (
            f"minutes are kept since {self.kept_text} and the query looks further"
            f" back, so it reads buckets of {length}: a sample stands for the {length} before it"
        )


def choose_tiers(kept: Mapping[Tier, int], selection: Selection) -> TierChoice:
    """The tiers of a selection. ``kept`` has the first minute from which each tier is whole."""
    # The first sample may be of the period that begins with the minute of the start.
    first = selection.start_ms // MILLISECONDS_PER_MINUTE
    tier = next(
        (tier for tier in Tier if kept[tier] <= first),
        # Nothing goes back that far: what goes back furthest, and of those the finest.
        min(Tier, key=lambda each: (kept[each], each)),
    )
    whole = single = tier
    for longer in Tier:
        if longer > tier and kept[longer] <= first and _is_whole(selection, longer):
            whole = longer
            if selection.window_ms == longer.length_ms:
                single = longer
    return TierChoice(tier, whole, single, kept[Tier.MINUTE])


def _is_whole(selection: Selection, tier: Tier) -> bool:
    times = selection.window_ms, selection.step_ms, selection.first_ms
    return selection.window_ms > 0 and not any(time % tier.length_ms for time in times)
