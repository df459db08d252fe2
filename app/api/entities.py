"""Entities in answers, and the query parameters that name them."""

from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import Depends, Query

from app.mal import Entity, Scope
from app.query import LabelPairs, name_value_pairs
from app.storage import Connection, search_entities


class EntityParts(TypedDict):
    """Parts of the entities that a client asks for; None means any."""

    service: str | None
    instance: str | None
    endpoint: str | None
    process: str | None
    region: str | None
    dest_service: str | None
    dest_instance: str | None
    dest_process: str | None


def entity_parts(  # noqa: PLR0917 - query parameters
    service: Annotated[str | None, Query()] = None,
    instance: Annotated[str | None, Query()] = None,
    endpoint: Annotated[str | None, Query()] = None,
    process: Annotated[str | None, Query()] = None,
    region: Annotated[str | None, Query()] = None,
    dest_service: Annotated[str | None, Query(description="Of relations")] = None,
    dest_instance: Annotated[str | None, Query(description="Of relations")] = None,
    dest_process: Annotated[str | None, Query(description="Of relations")] = None,
) -> EntityParts:
    """The query parameters that name entities."""
    return EntityParts(
        service=service,
        instance=instance,
        endpoint=endpoint,
        process=process,
        region=region,
        dest_service=dest_service,
        dest_instance=dest_instance,
        dest_process=dest_process,
    )


EntityParameter = Annotated[EntityParts, Depends(entity_parts)]


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """Conditions on entities; None means any."""

    parts: EntityParts
    layer: str | None
    scope: Scope | None

    @property
    def is_any(self) -> bool:
        """Whether there is no condition."""
        return not any(part is not None for part in (*self.parts.values(), self.layer, self.scope))

    def search(self, connection: Connection) -> dict[int, Entity]:
        """Entities by id, in the order of what they are."""
        return search_entities(connection, scope=self.scope, layer=self.layer, **self.parts)


def entity_filter(
    parts: EntityParameter,
    layer: Annotated[str | None, Query(description="Such as AWS_DYNAMODB")] = None,
    scope: Annotated[Scope | None, Query(description="Kind of entity")] = None,
) -> EntityFilter:
    """The query parameters that name entities, their layer and their kind."""
    return EntityFilter(parts, layer, scope)


EntityFilterParameter = Annotated[EntityFilter, Depends(entity_filter)]


def label_filter(
    label: Annotated[
        list[str] | None, Query(description="Name:Value; several must all be there")
    ] = None,
) -> LabelPairs:
    """The query parameter ``label``."""
    return name_value_pairs("label", label or ())


LabelParameter = Annotated[LabelPairs, Depends(label_filter)]


_PARTS = ("layer", "service", "endpoint", "region")
_MORE_PARTS = (
    "instance",
    "process",
    "dest_service",
    "dest_instance",
    "dest_process",
    "detect_point",
    "component",
)


def entity_content(entity: Entity) -> dict[str, object]:
    """An entity as fields of JSON; parts that only some scopes have are left out where empty."""
    named: dict[str, object] = {name: getattr(entity, name) for name in _PARTS}
    named.update((name, part) for name in _MORE_PARTS if (part := getattr(entity, name)))
    return named


ENTITY_COLUMNS = (*_PARTS, *_MORE_PARTS)
"""The columns of an entity in tables, which has them all."""


def entity_cells(entity: Entity) -> dict[str, object]:
    """An entity as cells of a table."""
    return {name: getattr(entity, name) for name in ENTITY_COLUMNS}
