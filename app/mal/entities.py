"""Entities: the services, instances, endpoints, processes and relations to which values belong."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b

from app.mal.frames import Labels

REGION_LABEL = "cloud_region"
DEFAULT_DELIMITER = "."
_DIGEST_CHARACTERS = 8
_LARGEST_COMPONENT = 2**31 - 1


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
class Naming:
    """Labels whose values, joined, are a name; labels without a value are left out."""

    keys: tuple[str, ...] = ()
    delimiter: str = DEFAULT_DELIMITER

    def name(self, labels: Labels, longest: int) -> str:
        """The name, cut when it is too long; empty when no label has a value."""
        if len(self.keys) == 1:
            return _cut(labels.get(self.keys[0], ""), longest)
        return _cut(self.delimiter.join(filter(None, map(labels.get, self.keys))), longest)


NOTHING = Naming()


@dataclass(frozen=True)
class EntityRule:
    """How labels name an entity: what ``service(…)``, ``endpoint(…)`` and the others compile to.

    ``layer_label``, ``component_label`` and ``side_label`` are labels that hold the layer of a
    process, the component of a relation, and which side of a relation saw it. ``properties`` and
    ``decorate`` are closures of ``instance`` and ``decorate``. ``may_lack_names`` says that labels
    without a value for a part of the entity name one all the same, with an empty part.
    """

    scope: Scope
    layer: str
    service: Naming
    endpoint: Naming = NOTHING
    instance: Naming = NOTHING
    process: Naming = NOTHING
    dest_service: Naming = NOTHING
    dest_instance: Naming = NOTHING
    dest_process: Naming = NOTHING
    detect_point: str = ""
    layer_label: str = ""
    component_label: str = ""
    side_label: str = ""
    properties: Callable[[Labels], dict[str, str]] | None = None
    decorate: Callable[[Entity], dict[str, str]] | None = None
    may_lack_names: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """Labels that become part of the entity, and so are no labels of its values."""
        keys = {key for _, naming, _ in self._parts for key in naming.keys}
        keys |= {self.layer_label, self.component_label, self.side_label} - {""}
        return frozenset(keys | {REGION_LABEL} if self.scope in _WITHIN_A_REGION else keys)

    def entity(self, labels: Labels) -> Entity | None:
        """The entity that labels name; None when they leave a part of it without a name.

        Raises ``ValueError`` when the component is not a number, or one that SQL cannot hold.
        """
        names = {part: naming.name(labels, longest) for part, naming, longest in self._parts}
        if not self.may_lack_names and not all(names.values()):
            return None
        return Entity(
            self.scope,
            labels.get(self.layer_label, "") if self.layer_label else self.layer,
            **names,
            region=labels.get(REGION_LABEL, "") if self.scope in _WITHIN_A_REGION else "",
            detect_point=self._seen_from(labels),
            component=_component(labels.get(self.component_label)) if self.component_label else 0,
        )

    @cached_property
    def _parts(self) -> list[tuple[str, Naming, int]]:
        """The parts of the entity that labels name, and how long their names may be."""
        parts = ((part, getattr(self, part), longest) for part, longest in _LONGEST.items())
        return [(part, naming, longest) for part, naming, longest in parts if naming.keys]

    def _seen_from(self, labels: Labels) -> str:
        if not self.side_label:
            return self.detect_point
        return "SERVER" if labels.get(self.side_label, "").lower() == "server" else "CLIENT"


_WITHIN_A_REGION = frozenset({Scope.ENDPOINT, Scope.SERVICE_INSTANCE, Scope.PROCESS})
_LONGEST = {
    "service": 70,
    "endpoint": 255,
    "instance": 70,
    "process": 255,
    "dest_service": 70,
    "dest_instance": 70,
    "dest_process": 255,
}


def _component(text: str | None) -> int:
    number = int(text or 0)
    if abs(number) > _LARGEST_COMPONENT:
        raise ValueError(f"the component {number} is beyond 32 bits")
    return number


def _cut(name: str, longest: int) -> str:
    """The name, or its beginning and a digest of it: different names stay different."""
    if len(name) <= longest:
        return name
    digest = blake2b(name.encode(), digest_size=_DIGEST_CHARACTERS // 2).hexdigest()
    return f"{name[: longest - _DIGEST_CHARACTERS - 1]}~{digest}"
