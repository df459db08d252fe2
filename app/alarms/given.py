"""Series of tests of alarms, and the bytes in which their points would come."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from app.alarms import rule_values as read
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import RuleError, ScriptError
from app.promql.testing.notation import Point, parse_series
from app.rules.documents import Item, merged

_STATISTICS = ("count", "sum", "min", "max")
SERIES_KEYS = (
    "account",
    "region",
    "namespace",
    "metric",
    "dimensions",
    "unit",
    "values",
    *_STATISTICS,
    "extras",
    "every",
    "start",
)
RECORD_KEYS = ("account", "region", "values", "every", "start")
_MOST_POINTS = 100_000
_UNREAL = "series"
"""What stands before the values where the notation wants a series."""

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class GivenSeries:
    """A series and its points: statistics by name, one value or None for each time."""

    item: Item
    head: dict[str, object]
    start_ms: int
    every_ms: int
    statistics: dict[str, Values]

    @property
    def end_ms(self) -> int:
        """The end of the last point's minute."""
        steps = max(len(values) for values in self.statistics.values()) - 1
        return self.start_ms + steps * self.every_ms + MILLISECONDS_PER_MINUTE

    def lines(self) -> Iterator[bytes]:
        """The points as lines of CloudWatch's JSON format; of those whose first value is None."""
        names = list(self.statistics)
        for step, row in enumerate(zip(*self.statistics.values(), strict=True)):
            if row[0] is None:
                continue
            value = {name: each for name, each in zip(names, row, strict=True) if each is not None}
            timestamp = self.start_ms + step * self.every_ms
            yield json.dumps({**self.head, "timestamp": timestamp, "value": value}).encode()


@dataclass(frozen=True, slots=True)
class GivenRecords:
    """How many records that cannot be decoded come from a Firehose at each time."""

    account: str
    region: str
    start_ms: int
    every_ms: int
    numbers: Values

    @property
    def end_ms(self) -> int:
        """The end of the minute of the last value."""
        return self.start_ms + (len(self.numbers) - 1) * self.every_ms + MILLISECONDS_PER_MINUTE

    @property
    def source(self) -> str:
        """The ARN of the Firehose."""
        return f"arn:aws:firehose:{self.region}:{self.account}:deliverystream/test"

    def arrivals(self) -> Iterator[tuple[int, int]]:
        """Times and numbers, where there are any."""
        for step, number in enumerate(self.numbers):
            if number:
                yield self.start_ms + step * self.every_ms, int(number)


def given_series(item: Item, defaults: dict[str, Item], start_ms: int) -> GivenSeries:
    """Read a series of a test that begins at ``start_ms``. Raises ``RuleError``."""
    members = merged(defaults, item.mapping(SERIES_KEYS))
    for key in ("account", "namespace", "metric"):
        if key not in members:
            raise item.fault(f"{key} is missing")
    head: dict[str, object] = {
        "account_id": members["account"].text(),
        "region": _text(members, "region"),
        "namespace": members["namespace"].text(),
        "metric_name": members["metric"].text(),
        "dimensions": members["dimensions"].texts() if "dimensions" in members else {},
        "unit": _text(members, "unit") or "None",
    }
    statistics = _statistics(item, members)
    if "extras" in members:
        extras = members["extras"].mapping().items()
        statistics |= {name: _values(extra) for name, extra in extras}
    _check_lengths(item, statistics)
    start_ms, every_ms = _times(members, start_ms)
    return GivenSeries(item, head, start_ms, every_ms, statistics)


def given_records(item: Item, defaults: dict[str, Item], start_ms: int) -> GivenRecords:
    """Read how many records cannot be decoded. Raises ``RuleError``."""
    members = merged(defaults, item.mapping(RECORD_KEYS))
    for key in ("account", "region", "values"):
        if key not in members:
            raise item.fault(f"{key} is missing")
    numbers = _values(members["values"])
    if any(number is not None and (number < 0 or number % 1) for number in numbers):
        raise members["values"].fault("numbers of records are expected")
    start_ms, every_ms = _times(members, start_ms)
    account, region = members["account"].text(), members["region"].text()
    return GivenRecords(account, region, start_ms, every_ms, numbers)


def moment_ms(item: Item, start_ms: int) -> int:
    """A time, or a duration after ``start_ms`` such as 5m or -1d, in milliseconds."""
    text = item.text()
    sign = -1 if text.startswith("-") else 1
    try:
        return start_ms + sign * read.duration_of(item, text.removeprefix("-"))
    except RuleError:
        pass
    try:
        return item.time_ms()
    except RuleError:
        raise item.fault(
            "a duration after the start such as 5m, or a time such as 2026-01-31T12:00:00Z, is"
            " expected"
        ) from None


def _times(members: dict[str, Item], start_ms: int) -> tuple[int, int]:
    every_ms = MILLISECONDS_PER_MINUTE
    if "every" in members:
        every_ms = read.minutes_ms(members["every"], 7 * read.DAY_MS)
    if "start" in members:
        start_ms = moment_ms(members["start"], start_ms)
        if start_ms % MILLISECONDS_PER_MINUTE:
            raise members["start"].fault("start is a whole minute")
    return start_ms, every_ms


def _statistics(item: Item, members: dict[str, Item]) -> dict[str, Values]:
    """Values by name as CloudWatch's JSON format calls them."""
    given = [key for key in _STATISTICS if key in members]
    if "values" in members:
        if given:
            raise members[given[0]].fault(f"a series has either values or {given[0]}")
        values = _values(members["values"])
        count = tuple(None if value is None else 1.0 for value in values)
        return {"count": count, "sum": values, "min": values, "max": values}
    for key in ("count", "sum"):
        if key not in members:
            raise item.fault(f"{key} is missing; give count and sum, or values of one sample each")
    found = {key: _values(members[key]) for key in given}
    pairs = zip(found["count"], found["sum"], strict=False)
    mean = tuple(total / count if count and total is not None else total for count, total in pairs)
    return {"count": found["count"], "sum": found["sum"], "min": mean, "max": mean} | found


def _check_lengths(item: Item, statistics: dict[str, Values]) -> None:
    lengths = {name: len(values) for name, values in statistics.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise item.fault(f"all statistics of a series have as many values: {told}")
    if max(lengths.values()) > _MOST_POINTS:
        raise item.fault(f"a series has more than {_MOST_POINTS} values")


def _values(item: Item) -> Values:
    """Values in the notation of tests of queries."""
    text = item.text()
    try:
        points = parse_series(f"{_UNREAL} {text}", 1).points
    except ScriptError as error:
        raise item.fault_at(max(error.column - len(_UNREAL) - 2, 0), error.reason) from None
    return tuple(_value(item, point) for point in points)


def _value(item: Item, point: Point) -> float | None:
    if isinstance(point, float):
        if point - point:
            raise item.fault(f"CloudWatch has no value {point}")
        return point
    if point.value != "_":
        raise item.fault(f"{point.value} is for tests of queries; _ is a minute without a point")
    return None


def _text(members: dict[str, Item], key: str) -> str:
    return members[key].text() if key in members else ""
