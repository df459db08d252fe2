"""``GET /explore/statistics``: the points of series as GetMetricData would answer them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from app.api.series import FilterParameter, read_of_periods
from app.catalog import SeriesIdentity
from app.errors import InvalidParameter
from app.query import STANDARD_STATISTICS, check_statistics, parse_period_ms
from app.storage import search_series
from app.web.web import Web

_PERIODS = (60, 300, 900, 3600, 86_400)
_MOST_SERIES = 20
_MOST_ROWS = 1_500


@dataclass(frozen=True, slots=True)
class Rows:
    """A series and its statistics, newest first; a row is a time in ms and a number a column.

    ``left_out`` counts rows that are older than those shown.
    """

    identity: SeriesIdentity
    columns: tuple[str, ...]
    rows: Sequence[tuple[int, Sequence[float | None]]]
    left_out: int


def _rest_query(request: Request, start_ms: int, end_ms: int) -> str:
    """What REST is asked for the same points; its names of the range are others."""
    asked = [pair for pair in request.query_params.multi_items() if pair[0] not in {"from", "to"}]
    return urlencode([*asked, ("start", start_ms), ("end", end_ms)])


def add_statistics(router: APIRouter, web: Web) -> None:
    """Add the page."""

    @router.get("/explore/statistics")
    def show_statistics(
        request: Request,
        wanted: FilterParameter,
        period: str = "60",
        statistic: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        if wanted.namespace is None or wanted.metric is None:
            raise InvalidParameter("metric", "name a namespace and a metric")
        period_ms = parse_period_ms("period", period)
        check_statistics(statistic or ())
        chosen = web.range_of(request)
        with web.context.store.read() as connection:
            found = search_series(connection, wanted)
            (read,) = read_of_periods(
                connection,
                found[:_MOST_SERIES],
                time_range=chosen.times,
                periods=[period_ms],
                statistics=statistic or (),
                most_points=web.context.query_max_points,
            )
        shown = []
        for identity, item in read.rows:
            names = tuple(item.statistics)
            columns = [item.statistics[name] for name in names]
            rows = list(zip(item.timestamps, zip(*columns, strict=True), strict=True))
            newest = rows[: -_MOST_ROWS - 1 : -1]
            shown.append(Rows(identity, names, newest, len(rows) - len(newest)))
        return web.page(
            request,
            "explore/statistics.html",
            wanted=wanted,
            shown=shown,
            total=len(found),
            period=period_ms // 1000,
            periods=sorted({*_PERIODS, period_ms // 1000}),
            chosen=statistic or [],
            statistics=tuple(STANDARD_STATISTICS),
            rest=_rest_query(request, chosen.times.start_ms, chosen.times.end_ms),
        )
