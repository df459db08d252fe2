"""Entities: the services, instances, endpoints, processes and relations to which values belong."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from app.mal.frames import Labels

REGION_LABEL = "cloud_region"
DEFAULT_DELIMITER = "."
_LONGEST_SERVICE = 70
_LONGEST_ENDPOINT = 255
_DIGEST_CHARACTERS = 8


class Scope(StrEnum):
    """What kind of entity a metric is about."""

    SERVICE = "service"
    SERVICE_INSTANCE = "service_instance"
    ENDPOINT = "endpoint"
    PROCESS = "process"
    SERVICE_RELATION = "service_relation"
    SERVICE_INSTANCE_RELATION = "service_instance_relation"
    PROCESS_RELATION = "process_relation"


@dataclass(frozen=True, slots=True)
class Entity:
    """A service, a part of a service, or a relation of two such.

    Parts that the scope does not have are empty. A relation's source is in ``service``,
    ``instance`` and ``process``, its destination in the fields that begin with ``dest``.
    ``region`` tells the endpoints of a service apart that bear the same name in two AWS regions; a
    service spans its regions and has none.
    """

    scope: Scope
    layer: str
    service: str
    endpoint: str = ""
    region: str = ""
    instance: str = ""
    process: str = ""
    dest_service: str = ""
    dest_instance: str = ""
    dest_process: str = ""
    detect_point: str = ""
    component: int = 0


@dataclass(frozen=True, slots=True)
class EntityRule:
    """How labels name an entity: what ``service(…)`` and ``endpoint(…)`` compile to."""

    scope: Scope
    layer: str
    service_keys: tuple[str, ...]
    endpoint_keys: tuple[str, ...] = ()
    delimiter: str = DEFAULT_DELIMITER

    @property
    def keys(self) -> frozenset[str]:
        """Labels that become part of the entity, and so are no labels of its values."""
        keys = {*self.service_keys, *self.endpoint_keys}
        return frozenset(keys if self.scope is Scope.SERVICE else keys | {REGION_LABEL})

    def entity(self, labels: Labels) -> Entity | None:
        """The entity that labels name; None when they name no service, or no endpoint."""
        service = _cut(self._name(self.service_keys, labels), _LONGEST_SERVICE)
        if self.scope is Scope.SERVICE:
            return Entity(self.scope, self.layer, service) if service else None
        endpoint = _cut(self._name(self.endpoint_keys, labels), _LONGEST_ENDPOINT)
        if not service or not endpoint:
            return None
        region = labels.get(REGION_LABEL, "")
        return Entity(self.scope, self.layer, service, endpoint, region)

    def _name(self, keys: tuple[str, ...], labels: Labels) -> str:
        return self.delimiter.join(value for key in keys if (value := labels.get(key, "")))


def _cut(name: str, longest: int) -> str:
    """The name, or its beginning and a digest of it: different names stay different."""
    if len(name) <= longest:
        return name
    digest = blake2b(name.encode(), digest_size=_DIGEST_CHARACTERS // 2).hexdigest()
    return f"{name[: longest - _DIGEST_CHARACTERS - 1]}~{digest}"


IsBreakdown = Callable[[Labels], bool]
"""Whether the labels mark a part of a whole that has a series of its own."""
