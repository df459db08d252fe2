"""Names of percentiles: OpenTelemetry's quantile 0.999 is CloudWatch's statistic ``p99.9``."""

from decimal import Decimal
from functools import lru_cache

from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason

# CloudWatch takes percentiles of up to ten decimal places (User Guide, statistics definitions).
_DECIMAL_PLACES = 10


@lru_cache(maxsize=1024)
def percentile_name(quantile: float) -> str:
    """``p`` and the percentile without trailing zeros.

    A quantile computed as 99.9 / 100 is 0.9990000000000001; it is the same ``p99.9``.
    """
    if not 0.0 <= quantile <= 1.0:
        raise RejectedPoint(Reason.VALUE, f"{quantile} is not a quantile between 0 and 1")
    percent = round(Decimal(repr(quantile)).scaleb(2), _DECIMAL_PLACES)
    return f"p{percent.normalize():f}"
