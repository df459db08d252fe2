"""What was delivered, each point once however often it was sent: the truth to test against.

Sums are `math.fsum` over all points, hence exactly rounded and independent of the order.
The shape of the JSON is documented in docs/simulator.md.
"""

import json
import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from app.simulator.points import Point, Series


@dataclass(slots=True)
class _Column:
    """The points of one series, in the order of delivery."""

    start_ms: "array[int]" = field(default_factory=lambda: array("q"))
    sums: "array[float]" = field(default_factory=lambda: array("d"))
    count: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, point: Point) -> None:
        self.start_ms.append(point.start_ms)
        self.sums.append(point.sum)
        self.count += point.count
        self.minimum = min(self.minimum, point.minimum)
        self.maximum = max(self.maximum, point.maximum)


_Json = dict[str, object]


class Ledger:
    """Totals by series, by table and by account. Not safe for use from several threads."""

    def __init__(self) -> None:
        self._columns: dict[Series, _Column] = {}

    def add(self, points: Iterable[Point]) -> None:
        """Count points; the caller passes each point once."""
        for point in points:
            column = self._columns.get(point.series)
            if column is None:
                column = self._columns[point.series] = _Column()
            column.add(point)

    def content(self) -> _Json:
        """Return everything as plain JSON values; floats keep all their digits."""
        starts = [start for column in self._columns.values() for start in column.start_ms]
        by_table: dict[tuple[str, str, str, str], list[_Column]] = {}
        by_account: dict[tuple[str, str], list[_Column]] = {}
        for series, column in self._columns.items():
            table = _table_of(series)
            if table is not None:
                key = (series.account, series.region, table, series.metric)
                by_table.setdefault(key, []).append(column)
                by_account.setdefault((series.account, series.metric), []).append(column)
        return {
            "points": len(starts),
            "first_start_ms": min(starts, default=None),
            "last_start_ms": max(starts, default=None),
            "series": [self._series_entry(series) for series in sorted(self._columns, key=repr)],
            "tables": [
                {
                    "account": account,
                    "region": region,
                    "table": table,
                    "metric": metric,
                    **_statistics(columns),
                    "Sum_by_minute": _sums_by_minute(columns),
                }
                for (account, region, table, metric), columns in sorted(by_table.items())
            ],
            "accounts": [
                {
                    "account": account,
                    "metric": metric,
                    **_statistics(columns),
                    "Sum_by_minute": _sums_by_minute(columns),
                }
                for (account, metric), columns in sorted(by_account.items())
            ],
        }

    def write(self, path: Path, **about: object) -> None:
        """Write the content to a file, `about` (seed, format, …) in front."""
        text = json.dumps({**about, **self.content()}, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")

    def _series_entry(self, series: Series) -> _Json:
        column = self._columns[series]
        return {
            "account": series.account,
            "region": series.region,
            "namespace": series.namespace,
            "metric": series.metric,
            "dimensions": dict(series.dimensions),
            "unit": series.unit,
            "points": len(column.sums),
            **_statistics([column]),
        }


def _table_of(series: Series) -> str | None:
    """Return the table of a series whose dimensions are exactly {TableName}."""
    if len(series.dimensions) == 1 and series.dimensions[0][0] == "TableName":
        return series.dimensions[0][1]
    return None


def _statistics(columns: list[_Column]) -> _Json:
    return {
        "Sum": math.fsum(value for column in columns for value in column.sums),
        "SampleCount": sum(column.count for column in columns),
        "Minimum": min(column.minimum for column in columns),
        "Maximum": max(column.maximum for column in columns),
    }


def _sums_by_minute(columns: list[_Column]) -> dict[str, float]:
    minutes: dict[int, list[float]] = {}
    for column in columns:
        for start_ms, value in zip(column.start_ms, column.sums, strict=True):
            minutes.setdefault(start_ms, []).append(value)
    return {str(start_ms): math.fsum(minutes[start_ms]) for start_ms in sorted(minutes)}
