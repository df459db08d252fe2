"""Points of test files, on the way that points of a delivery take.

A point is written as the bytes in which it would come, decoded and identified by the same code as
a delivery's, and handed to the rules as the columns of its minute. Only the database is left out.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import IntArray
from app.catalog import KnownSeries, SeriesIdentity
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import InvalidRequest
from app.otlp import (
    BatchBuilder,
    Encoding,
    MetricBatch,
    SeriesKeys,
    decode_export,
    decode_record,
    open_export,
)
from app.otlp.points import SUMMARY
from app.rules.documents import Item, merged
from app.rules.minute import MinutePoints
from app.rules.otlp_points import HISTOGRAM_KINDS, NUMBER_KINDS, OtlpPoint, otlp_body

_STATISTICS = ("count", "sum", "min", "max")
_OF_CLOUDWATCH = ("account", "region", "namespace", "dimensions", "value", *_STATISTICS, "extras")
_OF_NUMBERS = ("resource", "labels", "value")
_OF_HISTOGRAMS = ("resource", "labels", *_STATISTICS, "buckets")
_KEYS = {
    SUMMARY: _OF_CLOUDWATCH,
    **dict.fromkeys(NUMBER_KINDS, _OF_NUMBERS),
    **dict.fromkeys(HISTOGRAM_KINDS, _OF_HISTOGRAMS),
}
_ALWAYS = ("kind", "metric", "unit", "time")


@dataclass(frozen=True, slots=True)
class GivenPoint:
    """A point of a test, and where it stands in the file.

    ``record`` is that of a Firehose delivery, or the body of an OTLP/HTTP request.
    """

    item: Item
    kind: str
    start_ms: int
    record: bytes


def given_point(item: Item, defaults: dict[str, Item]) -> GivenPoint:
    """Read a point. Defaults that its kind has no use for are left out. Raises ``RuleError``."""
    own = item.mapping()
    chosen = own.get("kind") or defaults.get("kind")
    kind = chosen.text() if chosen else SUMMARY
    if chosen and kind not in _KEYS:
        raise chosen.fault(f"there is no kind {kind!r}; there are {', '.join(_KEYS)}")
    known = (*_ALWAYS, *_KEYS[kind])
    usable = {key: value for key, value in defaults.items() if key in known}
    members = merged(usable, item.mapping(known))
    required = ("metric", "time", "account", "namespace") if kind == SUMMARY else ("metric", "time")
    for key in required:
        if key not in members:
            raise item.fault(f"{key} is missing")
    start_ms = members["time"].time_ms()
    if kind == SUMMARY:
        return GivenPoint(item, kind, start_ms, _cloudwatch(item, members, start_ms))
    return GivenPoint(item, kind, start_ms, _otlp(kind, item, members, start_ms))


@dataclass(frozen=True, slots=True)
class GivenMinutes:
    """The points of a test by minute, ascending, and the identities of their series by id."""

    minutes: tuple[MinutePoints, ...]
    series: dict[int, SeriesIdentity]

    def identities(self, series_ids: Sequence[int]) -> list[SeriesIdentity]:
        """Identities of series, as the engine asks for them."""
        return [self.series[series_id] for series_id in series_ids]


def decode_points(points: Sequence[GivenPoint]) -> GivenMinutes:
    """Decode, identify and sort points. Raises ``RuleError`` at the place of the faulty one."""
    known = KnownSeries()
    builder = BatchBuilder()
    for point in points:
        _decode(point, known.keys, builder)
        for rejection in builder.rejections:
            raise point.item.fault(rejection.detail)
    batch = builder.build()
    numbers: dict[SeriesIdentity, int] = {}
    resolution = known.resolve(
        batch.slot,
        lambda found: [numbers.setdefault(identity, len(numbers) + 1) for identity in found],
    )
    order = np.lexsort((batch.start_ms, resolution.series_id))
    _check_unique(points, resolution.series_id[order], batch.start_ms[order], order)
    minute_of = batch.start_ms // MILLISECONDS_PER_MINUTE
    minutes = tuple(
        _minute(int(minute), batch, resolution.series_id, order[minute_of[order] == minute])
        for minute in np.unique(minute_of)
    )
    return GivenMinutes(minutes, {number: identity for identity, number in numbers.items()})


def _decode(point: GivenPoint, keys: SeriesKeys[SeriesIdentity], into: BatchBuilder) -> None:
    if point.kind == SUMMARY:
        decode_record(0, point.record, keys, into)
        return
    try:
        request = open_export(point.record, Encoding.JSON)
    except InvalidRequest as error:
        raise point.item.fault(error.message) from error
    decode_export(request, keys, into)


def _check_unique(
    points: Sequence[GivenPoint], series: IntArray, start_ms: IntArray, order: IntArray
) -> None:
    again = np.flatnonzero((np.diff(series) == 0) & (np.diff(start_ms) == 0))
    for place in again.tolist():
        raise points[int(order[place + 1])].item.fault("the series has another point of this time")


def _minute(minute: int, batch: MetricBatch, series: IntArray, rows: IntArray) -> MinutePoints:
    place = np.full(len(batch), -1)
    place[rows] = np.arange(len(rows))
    extra = np.flatnonzero(place[batch.extra_row] >= 0)
    return MinutePoints(
        minute=minute,
        series_id=series[rows],
        offset_ms=batch.start_ms[rows] % MILLISECONDS_PER_MINUTE,
        count=batch.count[rows],
        total=batch.total[rows],
        minimum=batch.minimum[rows],
        maximum=batch.maximum[rows],
        extra_row=place[batch.extra_row[extra]],
        extra_name=tuple(batch.statistic_names[i] for i in batch.extra_statistic[extra].tolist()),
        extra_value=batch.extra_value[extra],
    )


def _cloudwatch(item: Item, members: dict[str, Item], start_ms: int) -> bytes:
    """A line of CloudWatch's JSON format."""
    extras = members["extras"].mapping() if "extras" in members else {}
    line = {
        "account_id": members["account"].text(),
        "region": _text(members, "region"),
        "namespace": members["namespace"].text(),
        "metric_name": members["metric"].text(),
        "dimensions": members["dimensions"].texts() if "dimensions" in members else {},
        "timestamp": start_ms,
        "unit": _text(members, "unit") or "None",
        "value": _statistics(item, members) | {n: extra.finite() for n, extra in extras.items()},
    }
    return json.dumps(line).encode()


def _statistics(item: Item, members: dict[str, Item]) -> dict[str, float]:
    """SampleCount, Sum, Minimum and Maximum.

    ``value`` is one sample; without Minimum and Maximum the samples are all alike.
    """
    if "value" in members:
        for key in _STATISTICS:
            if key in members:
                raise members[key].fault(f"a point has either value or {key}")
        value = members["value"].finite()
        return {"count": 1.0, "sum": value, "min": value, "max": value}
    for key in ("count", "sum"):
        if key not in members:
            raise item.fault(f"{key} is missing; give count and sum, or the value of one sample")
    given = {key: members[key].finite() for key in _STATISTICS if key in members}
    mean = given["sum"] / given["count"] if given["count"] else 0.0
    return {"min": mean, "max": mean} | given


def _otlp(kind: str, item: Item, members: dict[str, Item], time_ms: int) -> bytes:
    wanted = ("value",) if kind in NUMBER_KINDS else ("count", "sum")
    for key in wanted:
        if key not in members:
            raise item.fault(f"{key} is missing")
    given = ("value", *_STATISTICS)
    point = OtlpPoint(
        kind,
        members["metric"].text(),
        _text(members, "unit"),
        members["resource"].texts() if "resource" in members else {},
        members["labels"].texts() if "labels" in members else {},
        time_ms,
        {key: members[key].finite() for key in given if key in members},
        _buckets(members["buckets"]) if "buckets" in members else (),
    )
    return otlp_body(point)


def _buckets(item: Item) -> list[tuple[float, int]]:
    buckets = [(bound.number(), int(count.finite())) for bound, count in item.pairs()]
    bounds = [bound for bound, _ in buckets]
    if bounds != sorted(set(bounds)) or not bounds or bounds[-1] != math.inf:
        raise item.fault("buckets are counts by upper bound, ascending, the last one .inf")
    return buckets


def _text(members: dict[str, Item], key: str) -> str:
    return members[key].text() if key in members else ""
