"""Names of percentiles: OpenTelemetry's quantile 0.999 is CloudWatch's statistic ``p99.9``."""

import math
import re
from decimal import Decimal
from functools import lru_cache

from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason

# CloudWatch takes percentiles of up to ten decimal places (User Guide, statistics definitions).
_DECIMAL_PLACES = 10
# A quantile that was worked out, as 99.9 / 100, is this many units in the last place off at most.
_UNITS_OFF = 2
_LONGEST_NAME = 32
_PERCENTILE = re.compile(r"p([0-9]+(?:\.[0-9]+)?)")


@lru_cache(maxsize=1024)
def percentile_name(quantile: float) -> str:
    """``p`` and the percentile without trailing zeros.

    A quantile computed as 99.9 / 100 is 0.9990000000000001; it is the same ``p99.9``. Raises
    ``RejectedPoint`` for what is no quantile.
    """
    if not 0.0 <= quantile <= 1.0:
        raise RejectedPoint(Reason.VALUE, f"{quantile} is not a quantile between 0 and 1")
    exact = Decimal(repr(quantile)).scaleb(2)
    rounded = round(exact, _DECIMAL_PLACES)
    off = abs(float(rounded.scaleb(-2)) - quantile)
    name = f"p{exact.normalize():f}"
    if off <= _UNITS_OFF * math.ulp(quantile) or len(name) > _LONGEST_NAME:
        return f"p{rounded.normalize():f}"
    return name


def quantile_of(statistic: str) -> float | None:
    """The quantile of a percentile's name: 0.999 of ``p99.9``; None for other statistics."""
    match = _PERCENTILE.fullmatch(statistic)
    if match is None:
        return None
    quantile = float(Decimal(match[1]).scaleb(-2))
    return quantile if quantile <= 1.0 else None
