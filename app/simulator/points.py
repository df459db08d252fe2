"""What CloudWatch knows about one minute of one metric, before any wire format.

A `Series` is the identity, a `Point` one period of it. Nothing here knows how points are made
(see `account`) or written (see `records`).
"""

from dataclasses import dataclass

PERIOD_MS = 60_000


@dataclass(frozen=True, slots=True)
class Series:
    """Identity of a CloudWatch metric: dimensions in wire order, unit as a StandardUnit name."""

    account: str
    region: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...] = ()
    unit: str = "None"


@dataclass(frozen=True, slots=True)
class Point:
    """The statistics of one series over one period that starts at `start_ms` (Unix, UTC).

    `percentiles` holds further statistics by CloudWatch's name: "p99", "p99.9", "TM(25%:75%)".
    Only those of the form pNN(.N) exist in the OpenTelemetry formats (section B.1).
    """

    series: Series
    start_ms: int
    count: int
    sum: float
    minimum: float
    maximum: float
    percentiles: tuple[tuple[str, float], ...] = ()
    period_ms: int = PERIOD_MS

    @property
    def end_ms(self) -> int:
        """Return the end of the period, exclusive."""
        return self.start_ms + self.period_ms
