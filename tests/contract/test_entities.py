"""Entities of every scope in SQL, on both engines."""

from collections.abc import Iterator

import pytest

from app.mal import Entity, Scope
from app.storage import read_properties, register_entities, search_entities
from tests.fixtures.house import House, house

SERVICE = Entity(Scope.SERVICE, "MESH", "shop")
INSTANCE = Entity(Scope.SERVICE_INSTANCE, "MESH", "shop", instance="pod-1")
ENDPOINT = Entity(Scope.ENDPOINT, "MESH", "shop", endpoint="/buy", region="eu-west-1")
PROCESS = Entity(Scope.PROCESS, "MESH", "shop", instance="pod-1", process="nginx")
CALL = Entity(
    Scope.SERVICE_RELATION,
    "MESH",
    "shop",
    dest_service="stock",
    detect_point="CLIENT",
    component=7,
)
INSTANCE_CALL = Entity(
    Scope.SERVICE_INSTANCE_RELATION,
    "MESH",
    "shop",
    instance="pod-1",
    dest_service="stock",
    dest_instance="pod-9",
    detect_point="SERVER",
)
PROCESS_CALL = Entity(
    Scope.PROCESS_RELATION,
    "MESH",
    "shop",
    instance="pod-1",
    process="nginx",
    dest_process="redis",
    detect_point="CLIENT",
    component=9,
)
ALL = [SERVICE, INSTANCE, ENDPOINT, PROCESS, CALL, INSTANCE_CALL, PROCESS_CALL]


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, []) as made:
        yield made


def test_every_scope_is_stored_whole_and_once(inside: House) -> None:
    first = inside.store.write(lambda c: register_entities(c, ALL))
    again = inside.store.write(lambda c: register_entities(c, list(reversed(ALL))))
    assert first == again
    assert len(set(first.values())) == len(ALL)
    with inside.store.read() as connection:
        found = search_entities(connection)
    assert {number: item for item, number in first.items()} == found


def test_a_part_makes_another_entity(inside: House) -> None:
    parts = {"component": 8, "detect_point": "SERVER", "dest_service": "other", "layer": "GENERAL"}
    others = [
        Entity(**{**{name: getattr(CALL, name) for name in CALL.__slots__}, name: part})
        for name, part in parts.items()
    ]
    found = inside.store.write(lambda c: register_entities(c, [CALL, *others]))
    assert len(set(found.values())) == len(parts) + 1


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"scope": Scope.SERVICE_INSTANCE}, [INSTANCE]),
        ({"instance": "pod-1"}, [INSTANCE, INSTANCE_CALL, PROCESS, PROCESS_CALL]),
        ({"process": "nginx"}, [PROCESS, PROCESS_CALL]),
        ({"dest_service": "stock"}, [CALL, INSTANCE_CALL]),
        ({"dest_instance": "pod-9"}, [INSTANCE_CALL]),
        ({"dest_process": "redis"}, [PROCESS_CALL]),
        ({"endpoint": "/buy", "region": "eu-west-1"}, [ENDPOINT]),
        ({"service": "stock"}, []),
    ],
)
def test_entities_are_found_by_their_parts(
    inside: House, wanted: dict[str, str], expected: list[Entity]
) -> None:
    inside.store.write(lambda c: register_entities(c, ALL))
    with inside.store.read() as connection:
        found = search_entities(connection, **wanted)  # type: ignore[arg-type]
    assert sorted(found.values(), key=repr) == sorted(expected, key=repr)


def test_properties_are_replaced_when_given(inside: House) -> None:
    def properties() -> dict[str, str]:
        with inside.store.read() as connection:
            return read_properties(connection, [number])[number]

    number = inside.store.write(lambda c: register_entities(c, [INSTANCE]))[INSTANCE]
    assert properties() == {}
    for given in ({"os": "linux", "ä": "\0"}, {"os": "bsd"}):
        inside.store.write(lambda c, given=given: register_entities(c, ALL, {INSTANCE: given}))  # type: ignore[misc]
    assert properties() == {"os": "bsd"}
    inside.store.write(lambda c: register_entities(c, ALL))
    assert properties() == {"os": "bsd"}


def test_text_that_sql_cannot_hold_is_no_fault(inside: House) -> None:
    odd = Entity(Scope.SERVICE, "MESH", "nul\0 and \ud800")
    found = inside.store.write(lambda c: register_entities(c, [odd]))
    assert inside.rows("SELECT entity_id, service FROM entity") == [(found[odd], "nul and ?")]
