"""Names of percentiles: OpenTelemetry's quantile 0.999 is CloudWatch's statistic ``p99.9``."""

from decimal import Decimal
from functools import lru_cache

from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason


@lru_cache(maxsize=1024)
def percentile_name(quantile: float) -> str:
    """``p`` and the percentile in the shortest decimal form that reads back as the same number."""
    if not 0.0 <= quantile <= 1.0:
        raise RejectedPoint(Reason.VALUE, f"{quantile} is not a quantile between 0 and 1")
    percent = Decimal(repr(quantile)).scaleb(2).normalize()
    return f"p{percent:f}"
