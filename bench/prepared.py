"""Requests of a simulated account, made beforehand so that sending costs the machine little."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from app.simulator import AccountModel, Format
from app.simulator.buffering import FirehoseRequest
from app.simulator.points import Series
from app.simulator.stream import StreamOptions, shipments

START_MS = 1_727_740_800_000
KEY = "bench"
POINTS_PER_TABLE = 11
_MOST_TABLES = 9_000
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_HOURS_AGO = 3


def recent_hour_ms() -> int:
    """The start of an hour that is over, and of which no server has forgotten anything yet."""
    return (int(time.time() * 1000) // _HOUR_MS - _HOURS_AGO) * _HOUR_MS


@dataclass(frozen=True, slots=True)
class Minute:
    """The requests of one minute; ``new`` of its points are the first of their series."""

    points: int
    new: int
    requests: list[FirehoseRequest]


def prepared(
    series: int,
    minutes: int,
    *,
    format_: Format = Format.OPENTELEMETRY_1_0,
    request_mib: float = 1.0,
    gzip: bool = False,
    key: str = KEY,
) -> list[Minute]:
    """About ``series`` points in each of the minutes, the first of which has new series only.

    The minutes follow each other from the start of an hour that has been over for a while.
    Requests are cut at so many MiB of records, before base64. Large numbers of series are several
    accounts.
    """
    seen: set[Series] = set()
    made = []
    start_ms = recent_hour_ms()
    for number in range(minutes):
        points = new = 0
        requests = []
        for seed, model in _models(series):
            stream = StreamOptions(
                start_ms=start_ms + number * _MINUTE_MS,
                minutes=1,
                seed=seed * minutes + number,
                formats=(format_,),
                buffer_bytes=int(request_mib * (1 << 20)),
                buffer_ms=0,
                gzip=gzip,
                access_key=key,
            )
            for shipment in shipments(model, stream):
                points += len(shipment.batch.points)
                before = len(seen)
                seen.update(point.series for point in shipment.batch.points)
                new += len(seen) - before
                requests.append(shipment.request)
        made.append(Minute(points, new, requests))
    return made


def _models(series: int) -> Iterator[tuple[int, AccountModel]]:
    tables = max(1, series // POINTS_PER_TABLE)
    for seed, first in enumerate(range(0, tables, _MOST_TABLES), start=1):
        yield seed, AccountModel(seed, tables=min(_MOST_TABLES, tables - first))
