"""What the metric stream itself costs, by the updates that it delivered. Pure.

CloudWatch bills updates: a point with its four statistics is one, and each started block of five
extra statistics one more. Firehose bills bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.catalog import SeriesIdentity
from app.dynamodb.money import amount, known_total
from app.dynamodb.prices import GIGABYTE, Prices
from app.streams import StreamCounts, StreamKey

MONTH_MINUTES = 730 * 60
"""Minutes of a month, as AWS counts them."""

ASSUMPTIONS = (
    (
        "An estimate from points that are stored: a point that was delivered twice, or by two"
        " metric streams, is stored once and counted once here; two streams that deliver the same"
        " metrics are paid twice."
    ),
    (
        "Points that hydrant backfill fetched are counted too, though no stream brought them; a"
        " series with several points in one minute is counted once for it."
    ),
    (
        "A month is 730 hours at the rate of the minutes that were counted; list prices, without"
        " tax and discounts."
    ),
)

_EXTRAS_OF_UPDATE = 5
# Firehose bills the bytes of records; requests hold them in base64, four characters for three.
_BYTES_OF_BASE64 = Fraction(3, 4)


@dataclass(frozen=True, slots=True)
class CountedSeries:
    """A series, its points in the minutes that were counted, and its extra statistics."""

    identity: SeriesIdentity
    points: int
    extras: int

    @property
    def updates(self) -> int:
        """What CloudWatch bills for."""
        return self.points * updates_of_point(self.extras)


def updates_of_point(extras: int) -> int:
    """The updates that a point with so many extra statistics is."""
    return 1 + -(-extras // _EXTRAS_OF_UPDATE)


@dataclass(frozen=True, slots=True)
class Counted:
    """How much of a range was counted.

    ``hours`` and ``minutes`` are those with points in it.
    """

    start_ms: int
    end_ms: int
    hours: int
    counted_hours: int
    minutes: int
    counted_minutes: int

    @property
    def is_complete(self) -> bool:
        """Whether every point of the range was counted."""
        return self.minutes == self.counted_minutes


@dataclass(frozen=True, slots=True)
class GroupCost:
    """Series of one account and region that have some names in common.

    ``points`` and ``updates`` are what was counted; ``cost`` is of the whole range and
    ``cost_a_month`` of a month at the same rate, None without a price. ``share_percent`` is of all
    updates.
    """

    names: Mapping[str, str]
    series: int
    points: int
    updates: int
    share_percent: float
    cost: Decimal | None
    cost_a_month: Decimal | None


@dataclass(frozen=True, slots=True)
class FirehoseCost:
    """The bytes of a range into the Firehoses of an account and region, estimated by point."""

    names: Mapping[str, str]
    bytes_per_point: float
    gigabytes: float
    cost: Decimal | None
    cost_a_month: Decimal | None


@dataclass(frozen=True, slots=True)
class StreamCost:
    """Of all series; groups are in the order of their updates, the most first."""

    counted: Counted
    total: GroupCost
    namespaces: list[GroupCost]
    metrics: list[GroupCost]
    tables: list[GroupCost]
    firehose: list[FirehoseCost]
    unpriced_regions: list[str]


def stream_cost(
    series: Iterable[CountedSeries],
    counted: Counted,
    prices: Prices,
    streams: Iterable[StreamCounts] = (),
) -> StreamCost:
    """The cost of the series' updates; ``streams`` tell what bytes they came in."""
    every = list(series)
    updates = sum(one.updates for one in every)

    def groups(*parts: str) -> list[GroupCost]:
        found: dict[tuple[str, ...], list[CountedSeries]] = {}
        for one in every:
            names = tuple(_name(one.identity, part) for part in parts)
            if all(names):
                found.setdefault(names, []).append(one)
        rows = [
            _group(dict(zip(parts, names, strict=True)), some, updates, counted, prices)
            for names, some in sorted(found.items())
        ]
        return sorted(rows, key=lambda row: -row.updates)

    place = ("account", "region")
    regions = {one.identity.region for one in every}
    return StreamCost(
        counted,
        _group({}, every, updates, counted, prices),
        groups(*place, "namespace"),
        groups(*place, "namespace", "metric"),
        groups(*place, "table"),
        _firehoses(groups(*place), list(streams), counted, prices),
        sorted(region for region in regions if _update_price(prices, region) is None),
    )


def _name(identity: SeriesIdentity, part: str) -> str:
    match part:
        case "account":
            return identity.account or "-"
        case "region":
            return identity.region or "-"
        case "namespace":
            return identity.namespace
        case "metric":
            return identity.metric
        case _:
            if identity.namespace != "AWS/DynamoDB":
                return ""
            return dict(identity.dimensions).get("TableName", "")


def _group(
    names: Mapping[str, str],
    series: list[CountedSeries],
    all_updates: int,
    counted: Counted,
    prices: Prices,
) -> GroupCost:
    by_region: dict[str, int] = {}
    for one in series:
        region = one.identity.region
        by_region[region] = by_region.get(region, 0) + one.updates
    updates = sum(by_region.values())

    def cost(minutes: int) -> Decimal | None:
        return known_total(
            _scaled(units, minutes, counted, _update_price(prices, region), 1000)
            for region, units in sorted(by_region.items())
        )

    return GroupCost(
        names,
        len(series),
        sum(one.points for one in series),
        updates,
        100 * updates / all_updates if all_updates else 0.0,
        cost(counted.minutes),
        cost(MONTH_MINUTES),
    )


def _update_price(prices: Prices, region: str) -> Decimal | None:
    of_region = prices.regions.get(region)
    return of_region.thousand_metric_stream_updates if of_region else None


def _scaled(
    units: Fraction | int, minutes: int, counted: Counted, price: Decimal | None, per: int
) -> Decimal | None:
    """What ``units`` of the counted minutes cost in so many minutes."""
    if not units:
        return Decimal(0)
    if price is None:
        return None
    return amount(Fraction(units) * minutes / max(1, counted.counted_minutes), price, per)


def _firehoses(
    places: list[GroupCost], streams: list[StreamCounts], counted: Counted, prices: Prices
) -> list[FirehoseCost]:
    per_point = _bytes_per_point(streams)
    found = []
    for place in places:
        of_point = per_point.get((place.names["account"], place.names["region"]))
        if of_point is None:
            continue
        of_region = prices.regions.get(place.names["region"])
        price = of_region.firehose_gigabyte if of_region else None
        size = of_point * place.points
        found.append(
            FirehoseCost(
                place.names,
                float(of_point),
                float(size * counted.minutes / max(1, counted.counted_minutes) / GIGABYTE),
                _scaled(size, counted.minutes, counted, price, GIGABYTE),
                _scaled(size, MONTH_MINUTES, counted, price, GIGABYTE),
            )
        )
    return found


def _bytes_per_point(streams: list[StreamCounts]) -> dict[tuple[str, str], Fraction]:
    """Bytes of records by account and region of the source.

    A request counts for every account that has points in it, with its whole size: the bytes of a
    stream are taken to be those of the account with the most, its points those of all accounts.
    """
    of_stream: dict[str, list[StreamCounts]] = {}
    for one in streams:
        if one.points and one.requests:
            of_stream.setdefault(one.key.stream, []).append(one)
    sizes: dict[tuple[str, str], Fraction] = {}
    points: dict[tuple[str, str], int] = {}
    for counts in of_stream.values():
        most = max(_record_bytes(one) for one in counts)
        every = sum(one.points for one in counts)
        for one in counts:
            place = _place(one.key)
            sizes[place] = sizes.get(place, Fraction(0)) + most * one.points / every
            points[place] = points.get(place, 0) + one.points
    return {place: size / points[place] for place, size in sizes.items()}


def _place(key: StreamKey) -> tuple[str, str]:
    return key.account or "-", key.region or "-"


def _record_bytes(counts: StreamCounts) -> Fraction:
    """Of all requests but those that had been stored before."""
    new = Fraction(counts.requests - counts.duplicates, counts.requests)
    return counts.request_bytes * new * _BYTES_OF_BASE64
