"""Metrics that rules define, and their values."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.entities import EntityParameter, entity_content
from app.api.errors import ERROR_RESPONSES
from app.api.json import json_response
from app.api.parameters import TimeRangeParameter, known_parameters_only
from app.mal import Combine, Entity
from app.query import (
    LabelledSeries,
    MetricSeries,
    choose_tier,
    combine_steps,
    parse_period_ms,
    percentiles_of_buckets,
    unknown_metric,
)
from app.rules import MetricDefinition
from app.storage import (
    Connection,
    metric_ids,
    read_kept,
    read_label_sets,
    read_values,
    search_entities,
)


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

    @router.get("/metrics/{name}", summary="Values of a metric by entity")
    def read_metric(
        name: str,
        time_range: TimeRangeParameter,
        wanted: EntityParameter,
        step: Annotated[str, Query(description="Seconds, a multiple of 60")] = "60",
    ) -> Response:
        step_ms = parse_period_ms("step", step)
        aligned = time_range.aligned(step_ms)
        definition = context.definitions.get(name)
        with context.store.read() as connection:
            known = metric_ids(connection)
            metric_id = known.get(name)
            if metric_id is None and definition is None:
                raise unknown_metric(name, context.definitions.keys() | known)
            resolution = choose_tier(read_kept(connection), "step", step_ms, aligned.start_ms)
            entities = search_entities(connection, **wanted)
            series: list[MetricSeries] = []
            if metric_id is not None and entities:
                values = read_values(
                    connection,
                    metric_id,
                    [*entities] if any(wanted.values()) else None,
                    resolution.start_ms,
                    aligned.end_ms,
                    limit=context.query_max_points,
                    tier=resolution.tier,
                )
                combine = definition.combine if definition else Combine.AVERAGE
                series = combine_steps(values, step_ms, combine)
            labelled = _labelled(connection, series)
        if definition and definition.percentiles:
            labelled = percentiles_of_buckets(labelled, definition.percentiles)
        rows = _rows(labelled, entities)
        return json_response({"metric": name, "step": step_ms // 1000, "series": rows})

    return router


def _labelled(connection: Connection, series: list[MetricSeries]) -> list[LabelledSeries]:
    labels = read_label_sets(connection, sorted({item.label_set_id for item in series}))
    return [
        LabelledSeries(item.entity_id, labels[item.label_set_id], item.timestamps, item.values)
        for item in series
    ]


def _rows(series: list[LabelledSeries], entities: dict[int, Entity]) -> list[dict[str, object]]:
    order = {entity_id: place for place, entity_id in enumerate(entities)}
    series.sort(key=lambda s: (order[s.entity_id], sorted(s.labels.items())))
    return [
        {
            **entity_content(entities[item.entity_id]),
            "labels": item.labels,
            "timestamps": item.timestamps,
            "values": item.values,
        }
        for item in series
    ]


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
