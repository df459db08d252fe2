"""Explanations of metric values: the rule, its steps, the source series and their points."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.entities import EntityParameter
from app.api.errors import ERROR_RESPONSES
from app.api.explained import answer_content
from app.api.json import json_response
from app.api.parameters import known_parameters_only
from app.catalog import load_statistic_catalog
from app.clock import MILLISECONDS_PER_MINUTE
from app.query import Question, explain_metric, parse_time_ms
from app.rules import Wanted


def explain_router(context: ApiContext) -> APIRouter:
    """The route of explanations."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["metrics"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/explain/{name}", summary="Explain a metric's values of one minute")
    def explain(
        name: str,
        wanted: EntityParameter,
        time: Annotated[
            str | None, Query(description="In the minute; default: the newest that has a value")
        ] = None,
        limit: Annotated[
            int, Query(ge=1, le=10_000, description="Values, and samples of a step and series")
        ] = 1_000,
    ) -> Response:
        question = Question(
            name,
            Wanted(**wanted),
            None if time is None else parse_time_ms("time", time) // MILLISECONDS_PER_MINUTE,
            limit,
            context.query_max_points,
        )
        with context.store.read() as connection:
            answer = explain_metric(connection, context.files(), load_statistic_catalog(), question)
        return json_response(answer_content(answer))

    return router
