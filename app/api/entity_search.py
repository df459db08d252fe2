"""Entities of all kinds, searched by name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import MOST_ITEMS, Page, list_page
from app.api.entities import ENTITY_COLUMNS, EntityFilterParameter, entity_cells, entity_content
from app.api.errors import ERROR_RESPONSES
from app.api.formats import FormatParameter
from app.api.parameters import known_parameters_only
from app.api.schemas import entities as entities_schema
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.mal import Entity
from app.query import matches_name
from app.storage import entity_order, read_properties

_NAMES = (
    "service",
    "instance",
    "endpoint",
    "process",
    "dest_service",
    "dest_instance",
    "dest_process",
)
_LONGEST_PATTERN = 256


def page_of_entities(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="Most of a page")] = 1_000,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> Page:
    """The parameters of pages, whose length has a default here."""
    return list_page(request, limit, cursor)


def entity_search_router(context: ApiContext) -> APIRouter:
    """The route of the search."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["entities"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get(
        "/entities",
        summary="Search entities by name, kind and parts",
        responses=list_responses(entities_schema()),
    )
    def search(
        request: Request,
        wanted: EntityFilterParameter,
        page: Annotated[Page, Depends(page_of_entities)],
        answer_format: FormatParameter,
        q: Annotated[
            str | None,
            Query(
                max_length=_LONGEST_PATTERN,
                description="Part of a name; with * or ?, all of a name. Capitals do not matter",
            ),
        ] = None,
    ) -> Response:
        with context.store.read() as connection:
            found = [
                (number, entity)
                for number, entity in wanted.search(connection).items()
                if q is None or any(matches_name(q, name) for name in _names(entity))
            ]
            shown, cursor = page.cut(found, lambda item: entity_order(item[1]))
            properties = read_properties(connection, [number for number, _ in shown])
        items = [
            {
                "scope": entity.scope.value,
                **entity_content(entity),
                "properties": properties[number],
            }
            for number, entity in shown
        ]
        answer = Answer({"total": len(found)}, "entities", items, _table(shown, properties), cursor)
        return answer_response(request, answer_format, answer)

    return router


def _names(entity: Entity) -> list[str]:
    return [name for part in _NAMES if (name := getattr(entity, part))]


def _table(
    shown: Sequence[tuple[int, Entity]], properties: Mapping[int, Mapping[str, str]]
) -> Table:
    def blocks() -> Iterator[Block]:
        for number, entity in shown:
            cells = {"scope": entity.scope.value, **entity_cells(entity)}
            yield Block({**cells, "properties": properties[number]})

    return Table(("scope", *ENTITY_COLUMNS, "properties"), blocks)
