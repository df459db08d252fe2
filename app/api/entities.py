"""Entities in JSON, and the query parameters that name them."""

from typing import Annotated, TypedDict

from fastapi import Depends, Query

from app.mal import Entity


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


def entity_content(entity: Entity) -> dict[str, object]:
    """An entity as fields of JSON; parts that only some scopes have are left out where empty."""
    named: dict[str, object] = {
        "layer": entity.layer,
        "service": entity.service,
        "endpoint": entity.endpoint,
        "region": entity.region,
    }
    named.update((name, part) for name in _MORE_PARTS if (part := getattr(entity, name)))
    return named


_MORE_PARTS = (
    "instance",
    "process",
    "dest_service",
    "dest_instance",
    "dest_process",
    "detect_point",
    "component",
)
