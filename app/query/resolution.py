"""Which tier answers: the finest one that the period is a multiple of and that goes back so far.

Where that is not the minutes, a period that is a bucket of a longer tier is answered by that
bucket: its sums were rounded once, as were those that minutes gave while they were kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.clock import MILLISECONDS_PER_MINUTE, minute_text
from app.errors import InvalidParameter
from app.storage import Tier

OLDEST_MS = 0
"""The start of a range that nobody has given: the oldest data."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What to read: a tier, from ``start_ms`` on, which is a multiple of the period."""

    tier: Tier
    start_ms: int


def choose_tier(
    kept: Mapping[Tier, int], parameter: str, period_ms: int, start_ms: int
) -> Resolution:
    """The tier that answers a period from ``start_ms`` on, which is a multiple of it.

    ``kept`` has the first minute from which each tier is whole. Where nothing goes back far enough,
    hours answer with what there is. Raises ``InvalidParameter`` for ``parameter`` when the period
    is too fine for the start.
    """
    fitting = [tier for tier in Tier if period_ms % tier.length_ms == 0]
    reaching = [tier for tier in fitting if _first_ms(kept, tier) <= start_ms]
    if reaching:
        if reaching[0] is not Tier.MINUTE and reaching[-1].length_ms == period_ms:
            return Resolution(reaching[-1], start_ms)
        return Resolution(reaching[0], start_ms)
    coarsest = fitting[-1]
    if start_ms == OLDEST_MS:
        return Resolution(coarsest, -(-_first_ms(kept, coarsest) // period_ms) * period_ms)
    if coarsest is Tier.HOUR:
        return Resolution(coarsest, start_ms)
    coarser = next(
        (tier for tier in Tier if tier > coarsest and _first_ms(kept, tier) <= start_ms), Tier.HOUR
    )
    from_ms = -(-_first_ms(kept, coarsest) // period_ms) * period_ms
    from_text = minute_text(from_ms // MILLISECONDS_PER_MINUTE)
    raise InvalidParameter(
        parameter,
        f"{period_ms // 1000} seconds are too fine for this start: ask for a multiple of"
        f" {coarser.length_ms // 1000} seconds, or from {from_text} on, where this is still kept",
    )


def _first_ms(kept: Mapping[Tier, int], tier: Tier) -> int:
    return kept[tier] * MILLISECONDS_PER_MINUTE
