"""Captured deliveries decoded a second way, and the answers of ``/statistics`` in the same form.

Neither protobuf classes nor arithmetic are shared with the server: opentelemetry-proto and json.
"""

import base64
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.simulator import Format
from tests.unit.simulator.reading import Read, read

# Account, region, namespace, metric, dimensions by name, unit as CloudWatch calls it.
SeriesKey = tuple[str, str, str, str, tuple[tuple[str, str], ...], str]
# Statistics by name, of each period start in milliseconds.
Points = dict[SeriesKey, dict[int, dict[str, float]]]

_UNITS = {
    "s": "Seconds",
    "us": "Microseconds",
    "ms": "Milliseconds",
    "By": "Bytes",
    "By/s": "Bytes/Second",
    "%": "Percent",
    "{Count}": "Count",
    "{Count}/s": "Count/Second",
    "1": "None",
}


def records_of(body: bytes) -> list[bytes]:
    """The records of a delivery's body, all of which must be base64."""
    return [base64.b64decode(r["data"], validate=True) for r in json.loads(body)["records"]]


def decoded(records: Sequence[bytes], format_: Format) -> Points:
    """Every point of these records; each key occurs once."""
    points: Points = {}
    for record in records:
        # One of the captures was copied without its last newline.
        whole = record.rstrip(b"\n") + b"\n" if format_ is Format.JSON else record
        for point in read(whole, format_):
            unit = point.unit if format_ is Format.JSON else _UNITS[point.unit]
            key = (
                point.account,
                point.region,
                point.namespace,
                point.metric,
                tuple(sorted(point.dimensions)),
                unit,
            )
            of_series = points.setdefault(key, {})
            assert point.start_ms not in of_series
            of_series[point.start_ms] = _statistics(point)
    return points


def _statistics(point: Read) -> dict[str, float]:
    statistics = {
        "Sum": float(point.total),
        "SampleCount": float(point.count),
        "Minimum": float(point.minimum),
        "Maximum": float(point.maximum),
    }
    for name, value in point.extra:
        statistics[name if isinstance(name, str) else _percentile(name)] = float(value)
    return statistics


def _percentile(fraction: float) -> str:
    return f"p{(Decimal(repr(fraction)) * 100).normalize():f}"


def answered(series: Sequence[dict[str, Any]]) -> Points:
    """The series of ``/statistics``; averages are checked here and left out."""
    points: Points = {}
    for item in series:
        key = (
            item["account"],
            item["region"],
            item["namespace"],
            item["metric"],
            tuple(sorted(item["dimensions"].items())),
            item["unit"],
        )
        assert key not in points
        assert all(len(c) == len(item["timestamps"]) for c in item["statistics"].values())
        points[key] = {}
        for place, start_ms in enumerate(item["timestamps"]):
            row = {name: column[place] for name, column in item["statistics"].items()}
            if row["SampleCount"]:
                assert row.pop("Average") == row["Sum"] / row["SampleCount"]
            points[key][start_ms] = {k: float(v) for k, v in row.items() if v is not None}
    return points


def count(points: Points) -> int:
    """How many points there are."""
    return sum(map(len, points.values()))
