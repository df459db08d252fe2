"""Raw CloudWatch series and their statistics, as GetMetricData would answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import PageParameter
from app.api.errors import ERROR_RESPONSES
from app.api.formats import FormatParameter
from app.api.parameters import TimeRange, TimeRangeParameter, known_parameters_only
from app.api.schemas import list_responses
from app.api.schemas import series as series_schema
from app.api.schemas import statistics as statistics_schema
from app.api.tables import Block, Table
from app.catalog import SeriesIdentity
from app.errors import InvalidParameter
from app.query import (
    STANDARD_STATISTICS,
    StatisticSeries,
    check_statistics,
    choose_tier,
    name_value_pairs,
    parse_period_ms,
    statistics_over_periods,
)
from app.storage import (
    Connection,
    SeriesFilter,
    check_limit,
    read_kept,
    read_points,
    search_series,
    series_order,
)

MOST_PERIODS = 10
_IDENTITY_COLUMNS = ("account", "region", "namespace", "metric", "dimensions", "unit", "kind")


def series_filter(
    namespace: Annotated[str | None, Query(description="Such as AWS/DynamoDB")] = None,
    metric: Annotated[str | None, Query(description="CloudWatch's name of the metric")] = None,
    account: Annotated[str | None, Query(description="Twelve digits")] = None,
    region: Annotated[str | None, Query(description="Such as eu-west-1")] = None,
    dimension: Annotated[
        list[str] | None, Query(description="Name:Value; several must all be present")
    ] = None,
) -> SeriesFilter:
    """The filters that ``/series`` and ``/statistics`` share."""
    pairs = name_value_pairs("dimension", dimension or ())
    return SeriesFilter(namespace, metric, account, region, pairs)


FilterParameter = Annotated[SeriesFilter, Depends(series_filter)]


@dataclass(frozen=True, slots=True)
class FoundStatistics:
    """Statistics of a period, in the order of the series' identities."""

    period_ms: int
    rows: Sequence[tuple[SeriesIdentity, StatisticSeries]]

    @property
    def content(self) -> dict[str, object]:
        series = [
            {
                **identity_content(identity),
                "timestamps": item.timestamps,
                "statistics": item.statistics,
            }
            for identity, item in self.rows
        ]
        return {"period": self.period_ms // 1000, "series": series}


def series_router(context: ApiContext) -> APIRouter:
    """Routes of raw series."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["series"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/series", summary="List raw series", responses=list_responses(series_schema()))
    def list_series(
        request: Request,
        wanted: FilterParameter,
        page: PageParameter,
        answer_format: FormatParameter,
    ) -> Response:
        with context.store.read() as connection:
            found = search_series(connection, wanted)
        shown, cursor = page.cut(found, lambda item: series_order(item[1]))
        items = [identity_content(identity) for _, identity in shown]
        table = Table(_IDENTITY_COLUMNS, lambda: map(Block, items))
        return answer_response(request, answer_format, Answer({}, "series", items, table, cursor))

    @router.get(
        "/statistics",
        summary="Statistics of raw series over periods",
        responses=list_responses(statistics_schema()),
    )
    def read_statistics(
        *,
        request: Request,
        wanted: FilterParameter,
        time_range: TimeRangeParameter,
        page: PageParameter,
        answer_format: FormatParameter,
        period: Annotated[
            list[str] | None,
            Query(description="Seconds, a multiple of 60; default: 60; may be repeated"),
        ] = None,
        statistic: Annotated[
            list[str] | None,
            Query(description="Sum, SampleCount, Minimum, Maximum, Average, p99, …; default: all"),
        ] = None,
    ) -> Response:
        periods = list(dict.fromkeys(parse_period_ms("period", text) for text in period or ["60"]))
        if len(periods) > MOST_PERIODS:
            raise InvalidParameter("period", f"at most {MOST_PERIODS} periods are read at once")
        check_statistics(statistic or ())
        with context.store.read() as connection:
            found = search_series(connection, wanted)
            shown, cursor = page.cut(found, lambda item: series_order(item[1]))
            answers = read_of_periods(
                connection,
                shown,
                time_range=time_range,
                periods=periods,
                statistics=statistic or (),
                most_points=context.query_max_points,
            )
        now_ms = context.clock.now_ms()
        closed = all(time_range.aligned(each).is_over(now_ms) for each in periods)
        table = _table(answers, statistic or ())
        if len(answers) > 1:
            items = [item.content for item in answers]
            answer = Answer({}, "periods", items, table, cursor, closed=closed)
        else:
            content = answers[0].content
            head = {"period": content["period"]}
            rows = content["series"]
            assert isinstance(rows, list)  # noqa: S101 - made so above
            answer = Answer(head, "series", rows, table, cursor, closed=closed)
        return answer_response(request, answer_format, answer)

    return router


def read_of_periods(
    connection: Connection,
    shown: Sequence[tuple[int, SeriesIdentity]],
    *,
    time_range: TimeRange,
    periods: Sequence[int],
    statistics: Sequence[str],
    most_points: int,
) -> list[FoundStatistics]:
    """Statistics by period; all periods together read ``most_points`` at most."""
    kept = read_kept(connection)
    series_ids = [series_id for series_id, _ in shown]
    read = 0
    answers = []
    for period_ms in periods:
        aligned = time_range.aligned(period_ms)
        resolution = choose_tier(kept, "period", period_ms, aligned.start_ms)
        points = read_points(
            connection,
            series_ids,
            resolution.start_ms,
            aligned.end_ms,
            limit=most_points,
            tier=resolution.tier,
        )
        read += len(points) + len(points.extra)
        check_limit(read, most_points)
        by_id = {
            item.series_id: item for item in statistics_over_periods(points, period_ms, statistics)
        }
        rows = [(identity, by_id[number]) for number, identity in shown if number in by_id]
        answers.append(FoundStatistics(period_ms, rows))
    return answers


def _table(answers: Sequence[FoundStatistics], wanted: Sequence[str]) -> Table:
    """Columns are the statistics asked for, or all that any of the series has."""
    names = dict.fromkeys(wanted)
    if not names:
        all_names = {
            name for found in answers for _, item in found.rows for name in item.statistics
        }
        names = dict.fromkeys((*STANDARD_STATISTICS, *sorted(all_names - {*STANDARD_STATISTICS})))

    def blocks() -> Iterator[Block]:
        for found in answers:
            for identity, item in found.rows:
                fixed = {"period": found.period_ms // 1000, **identity_content(identity)}
                yield Block(fixed, item.timestamps, item.statistics)

    return Table(("period", *_IDENTITY_COLUMNS), blocks, tuple(names), timed=True)


def identity_content(identity: SeriesIdentity) -> Mapping[str, object]:
    """What tells a series apart, as JSON."""
    return {
        "account": identity.account,
        "region": identity.region,
        "namespace": identity.namespace,
        "metric": identity.metric,
        "dimensions": dict(identity.dimensions),
        "unit": identity.unit,
        "kind": identity.kind,
    }
