"""What bound access keys brought of other accounts: counted, and told without filling the log."""

import structlog

from app.clock import Clock
from app.credentials import KeyHolder
from app.logs import OncePerMinute
from app.otlp import MetricBatch
from app.otlp.rejection import Reason
from app.telemetry import counter

FOREIGN_POINTS = counter(
    "foreign_account_points_total",
    "Points put in quarantine because the delivery's access key is bound to other accounts",
    "key",
)

_log = structlog.get_logger(__name__)


class ForeignAccounts:
    """Tells of a committed delivery what was not its key's to deliver. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._due = OncePerMinute(clock)

    def tell(self, holder: KeyHolder, batch: MetricBatch) -> None:
        """Count and, once per key and minute, log the points set aside for their account."""
        if holder.accounts is None:
            return
        found = [each for each in batch.rejections if each.reason is Reason.ACCOUNT]
        if not found:
            return
        points = sum(rejection.points for rejection in found)
        FOREIGN_POINTS.labels(holder.name).inc(points)
        if self._due(holder.name):
            _log.warning(
                "points of accounts that the access key is not bound to are in quarantine",
                key=holder.name,
                points=points,
                first=found[0].detail,
            )
