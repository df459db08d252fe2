"""Raw CloudWatch series and their statistics, as GetMetricData would answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.errors import ERROR_RESPONSES
from app.api.json import json_response
from app.api.parameters import TimeRangeParameter, known_parameters_only
from app.catalog import SeriesIdentity
from app.errors import InvalidParameter
from app.query import check_statistics, choose_tier, parse_period_ms, statistics_over_periods
from app.storage import SeriesFilter, read_kept, read_points, search_series


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
    pairs = []
    for text in dimension or ():
        name, separator, value = text.partition(":")
        if not separator or not name:
            raise InvalidParameter("dimension", f"{text!r} is not of the form Name:Value")
        pairs.append((name, value))
    return SeriesFilter(namespace, metric, account, region, tuple(pairs))


FilterParameter = Annotated[SeriesFilter, Depends(series_filter)]


def series_router(context: ApiContext) -> APIRouter:
    """Routes of raw series."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["series"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/series", summary="List raw series")
    def list_series(wanted: FilterParameter) -> Response:
        with context.store.read() as connection:
            found = search_series(connection, wanted)
        return json_response({"series": [identity_content(identity) for _, identity in found]})

    @router.get("/statistics", summary="Statistics of raw series over periods")
    def read_statistics(
        wanted: FilterParameter,
        time_range: TimeRangeParameter,
        period: Annotated[str, Query(description="Seconds, a multiple of 60")] = "60",
        statistic: Annotated[
            list[str] | None,
            Query(description="Sum, SampleCount, Minimum, Maximum, Average, p99, …; default: all"),
        ] = None,
    ) -> Response:
        period_ms = parse_period_ms("period", period)
        check_statistics(statistic or ())
        aligned = time_range.aligned(period_ms)
        with context.store.read() as connection:
            resolution = choose_tier(read_kept(connection), "period", period_ms, aligned.start_ms)
            found = dict(search_series(connection, wanted))
            points = read_points(
                connection,
                list(found),
                resolution.start_ms,
                aligned.end_ms,
                limit=context.query_max_points,
                tier=resolution.tier,
            )
        by_id = {
            item.series_id: item
            for item in statistics_over_periods(points, period_ms, statistic or ())
        }
        rows = [
            {
                **identity_content(identity),
                "timestamps": by_id[series_id].timestamps,
                "statistics": by_id[series_id].statistics,
            }
            for series_id, identity in found.items()
            if series_id in by_id
        ]
        return json_response({"period": period_ms // 1000, "series": rows})

    return router


def identity_content(identity: SeriesIdentity) -> dict[str, object]:
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
