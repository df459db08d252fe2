"""Entities as the closure of ``decorate`` sees them."""

from typing import Final

from app.mal.entities import Entity, Scope
from app.mal.values import EnumName, Value

ATTRIBUTES: Final = tuple(f"attr{number}" for number in range(6))
"""What ``decorate`` writes."""


def meter_of(entity: Entity) -> dict[str, Value]:
    """The properties of an entity by SkyWalking's names; what its scope does not have is null."""
    texts: dict[str, str] = {
        "scopeType": EnumName(entity.scope.name),
        "layer": EnumName(entity.layer),
        "serviceName": entity.service,
        "instanceName": entity.instance,
        "endpointName": entity.endpoint,
        "processName": entity.process,
        "sourceServiceName": entity.service,
        "sourceServiceInstanceName": entity.instance,
        "sourceProcessId": entity.process,
        "destServiceName": entity.dest_service,
        "destServiceInstanceName": entity.dest_instance,
        "destProcessId": entity.dest_process,
        "detectPoint": EnumName(entity.detect_point),
    }
    properties: dict[str, Value] = {name: text or None for name, text in texts.items()}
    return properties | {"componentId": entity.component}


PROPERTIES: Final = frozenset({*meter_of(Entity(Scope.SERVICE, "", "")), *ATTRIBUTES})
"""What ``decorate`` reads."""
