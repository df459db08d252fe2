"""Metrics that rules define, and their values over steps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import Page, PageParameter
from app.api.entities import (
    ENTITY_COLUMNS,
    EntityFilter,
    EntityFilterParameter,
    LabelParameter,
    entity_cells,
    entity_content,
)
from app.api.errors import ERROR_RESPONSES
from app.api.formats import FormatParameter
from app.api.json import json_response
from app.api.parameters import TimeRange, TimeRangeParameter, known_parameters_only
from app.api.schemas import list_responses, metric_values, values
from app.api.tables import Block, Table
from app.errors import InvalidParameter
from app.mal import Entity
from app.query import (
    LabelPairs,
    Metric,
    NamedSeries,
    ValueQuestion,
    choose_tier,
    parse_period_ms,
    read_series,
    read_series_of_page,
    unknown_metric,
)
from app.rules import MetricDefinition
from app.storage import Connection, entity_order, metric_ids, read_kept

MOST_METRICS = 100
StepParameter = Annotated[str, Query(description="Seconds, a multiple of 60")]


def metrics_router(context: ApiContext) -> APIRouter:
    """Routes of metrics."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["metrics"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/metrics", summary="List the metrics that rules define")
    def list_metrics() -> Response:
        definitions = sorted(context.definitions.values(), key=lambda item: item.name)
        return json_response({"metrics": [_described(item) for item in definitions]})

    @router.get(
        "/metrics/{name}",
        summary="Values of a metric by entity",
        responses=list_responses(metric_values()),
    )
    def read_metric(
        *,
        request: Request,
        name: str,
        time_range: TimeRangeParameter,
        wanted: EntityFilterParameter,
        labels: LabelParameter,
        page: PageParameter,
        answer_format: FormatParameter,
        step: StepParameter = "60",
    ) -> Response:
        step_ms = parse_period_ms("step", step)
        aligned = time_range.aligned(step_ms)
        series, entities, cursor = _read(
            context,
            names=[name],
            wanted=wanted,
            labels=labels,
            aligned=aligned,
            step_ms=step_ms,
            page=page,
        )
        answer = Answer(
            {"metric": name, "step": step_ms // 1000},
            "series",
            [_item(item, entities) for item in series],
            _table(series, entities),
            cursor,
            closed=aligned.is_over(context.clock.now_ms()),
        )
        return answer_response(request, answer_format, answer)

    @router.get(
        "/values",
        summary="Values of several metrics by entity",
        responses=list_responses(values()),
    )
    def read_metrics(
        *,
        request: Request,
        metric: Annotated[list[str], Query(description="Name of a metric; may be repeated")],
        time_range: TimeRangeParameter,
        wanted: EntityFilterParameter,
        labels: LabelParameter,
        page: PageParameter,
        answer_format: FormatParameter,
        step: StepParameter = "60",
    ) -> Response:
        names = list(dict.fromkeys(metric))
        if len(names) > MOST_METRICS:
            raise InvalidParameter("metric", f"at most {MOST_METRICS} metrics are read at once")
        step_ms = parse_period_ms("step", step)
        aligned = time_range.aligned(step_ms)
        series, entities, cursor = _read(
            context,
            names=names,
            wanted=wanted,
            labels=labels,
            aligned=aligned,
            step_ms=step_ms,
            page=page,
        )
        answer = Answer(
            {"step": step_ms // 1000},
            "series",
            [{"metric": item.metric, **_item(item, entities)} for item in series],
            _table(series, entities),
            cursor,
            closed=aligned.is_over(context.clock.now_ms()),
        )
        return answer_response(request, answer_format, answer)

    return router


def find_metric(connection: Connection, context: ApiContext, name: str) -> Metric:
    """A metric by name. Raises ``NotFound`` if neither a rule nor a stored value has it."""
    return _find_metrics(connection, context, [name])[0]


def _find_metrics(
    connection: Connection, context: ApiContext, names: Sequence[str]
) -> list[Metric]:
    definitions, known = context.definitions, metric_ids(connection)
    for name in names:
        if name not in known and name not in definitions:
            raise unknown_metric(name, definitions.keys() | known)
    return [Metric(name, known.get(name), definitions.get(name)) for name in names]


def _read(
    context: ApiContext,
    *,
    names: Sequence[str],
    wanted: EntityFilter,
    labels: LabelPairs,
    aligned: TimeRange,
    step_ms: int,
    page: Page,
) -> tuple[list[NamedSeries], dict[int, Entity], str | None]:
    """Series by metric, in the order asked for, and entity; entities by id; the next cursor."""
    with context.store.read() as connection:
        metrics = _find_metrics(connection, context, names)
        resolution = choose_tier(read_kept(connection), "step", step_ms, aligned.start_ms)
        question = ValueQuestion(
            metrics, resolution, aligned.end_ms, step_ms, labels, context.query_max_points
        )
        entities = wanted.search(connection)
        order = {entity_id: place for place, entity_id in enumerate(entities)}
        if page.limit is None and page.after is None:
            some = None if wanted.is_any else [*entities]
            return read_series(connection, question, order, some), entities, None
        candidates = page.rest([*entities], lambda entity_id: entity_order(entities[entity_id]))
        series, last = read_series_of_page(
            candidates,
            page.limit or len(candidates),
            lambda ids: read_series(connection, question, order, ids),
        )
    place = {name: number for number, name in enumerate(names)}
    series.sort(key=lambda item: place[item.metric])
    cursor = None if last is None else page.cursor(entity_order(entities[last]))
    return series, entities, cursor


def _item(item: NamedSeries, entities: Mapping[int, Entity]) -> dict[str, object]:
    series = item.series
    content = {
        **entity_content(entities[series.entity_id]),
        "labels": series.labels,
        "timestamps": series.timestamps,
        "values": series.values,
    }
    if series.last_bound is not None:
        content["last_bound"] = series.last_bound
    return content


def _table(series: Sequence[NamedSeries], entities: Mapping[int, Entity]) -> Table:
    def blocks() -> Iterator[Block]:
        for item in series:
            fixed = {
                "metric": item.metric,
                **entity_cells(entities[item.series.entity_id]),
                "labels": item.series.labels,
            }
            yield Block(fixed, item.series.timestamps, {"value": item.series.values})

    return Table(("metric", *ENTITY_COLUMNS, "labels"), blocks, ("value",), timed=True)


def _described(definition: MetricDefinition) -> dict[str, object]:
    return {
        "name": definition.name,
        "scope": definition.scope.value,
        "layer": definition.layer,
        "combine": definition.combine.value,
        "labelled": definition.labelled,
        "percentiles": definition.percentiles,
        "unit": definition.unit,
        "description": definition.description,
        "expression": definition.expression,
        "rule": definition.place,
    }
