"""Metrics that rules define, and their values."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.errors import ERROR_RESPONSES
from app.api.json import json_response
from app.api.parameters import TimeRangeParameter, known_parameters_only
from app.errors import NotFound
from app.mal import Combine, Entity
from app.query import MetricSeries, combine_steps, parse_period_ms
from app.rules import MetricDefinition
from app.storage import Connection, metric_ids, read_label_sets, read_values, search_entities


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
    def read_metric(  # noqa: PLR0917 - query parameters
        name: str,
        time_range: TimeRangeParameter,
        service: Annotated[str | None, Query()] = None,
        endpoint: Annotated[str | None, Query()] = None,
        region: Annotated[str | None, Query()] = None,
        step: Annotated[str, Query(description="Seconds, a multiple of 60")] = "60",
    ) -> Response:
        step_ms = parse_period_ms("step", step)
        aligned = time_range.aligned(step_ms)
        definition = context.definitions.get(name)
        with context.store.read() as connection:
            metric_id = metric_ids(connection).get(name)
            if metric_id is None and definition is None:
                raise NotFound(f"there is no metric {name}; /api/v1/metrics lists all")
            entities = search_entities(
                connection, service=service, endpoint=endpoint, region=region
            )
            series: list[MetricSeries] = []
            if metric_id is not None and entities:
                values = read_values(
                    connection,
                    metric_id,
                    None if (service, endpoint, region) == (None, None, None) else [*entities],
                    aligned.start_ms,
                    aligned.end_ms,
                    limit=context.query_max_points,
                )
                combine = definition.combine if definition else Combine.AVERAGE
                series = combine_steps(values, step_ms, combine)
            rows = _rows(connection, series, entities)
        return json_response({"metric": name, "step": step_ms // 1000, "series": rows})

    return router


def _rows(
    connection: Connection, series: list[MetricSeries], entities: dict[int, Entity]
) -> list[dict[str, object]]:
    labels = read_label_sets(connection, sorted({item.label_set_id for item in series}))
    order = {entity_id: place for place, entity_id in enumerate(entities)}
    series.sort(key=lambda s: (order[s.entity_id], sorted(labels[s.label_set_id].items())))
    return [
        {
            **_named(entities[item.entity_id]),
            "labels": labels[item.label_set_id],
            "timestamps": item.timestamps,
            "values": item.values,
        }
        for item in series
    ]


def _named(entity: Entity) -> dict[str, str]:
    return {
        "layer": entity.layer,
        "service": entity.service,
        "endpoint": entity.endpoint,
        "region": entity.region,
    }


def _described(definition: MetricDefinition) -> dict[str, object]:
    return {
        "name": definition.name,
        "scope": definition.scope.value,
        "layer": definition.layer,
        "combine": definition.combine.value,
        "labelled": definition.labelled,
        "unit": definition.unit,
        "description": definition.description,
        "expression": definition.expression,
        "rule": definition.place,
    }
