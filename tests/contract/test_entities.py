"""Entities of every scope in SQL, on both engines."""

from collections.abc import Iterator

import pytest

from app.mal import Entity, Scope
from app.storage import (
    Connection,
    read_properties,
    register_entities,
    register_label_sets,
    register_metrics,
    search_entities,
    value_columns,
    write_minute,
)
from tests.fixtures.house import House, house
from tests.fixtures.rest import get

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


def test_rest_shows_the_parts_that_an_entity_has(inside: House) -> None:
    def write(connection: Connection) -> None:
        entities = register_entities(connection, ALL, {INSTANCE: {"os": "linux"}})
        metric = register_metrics(connection, ["calls"])["calls"]
        labels = register_label_sets(connection, [()])[()]
        keys = [(10, metric, number, labels) for number in entities.values()]
        rows = value_columns([(*key, float(key[2]), None, None) for key in keys])
        write_minute(connection, 10, rows, metrics=[metric], marks=[])

    inside.store.write(write)
    parts = ("layer", "service", "endpoint", "region", "labels", "timestamps", "values")
    expected = {
        "instance=pod-1&process=nginx&dest_process=redis": {
            "instance": "pod-1",
            "process": "nginx",
            "dest_process": "redis",
            "detect_point": "CLIENT",
            "component": 9,
        },
        "dest_service=stock&dest_instance=pod-9": {
            "instance": "pod-1",
            "dest_service": "stock",
            "dest_instance": "pod-9",
            "detect_point": "SERVER",
        },
        "endpoint=/buy": {},
    }
    for query, more in expected.items():
        status, answer = get(inside, f"/api/v1/metrics/calls?{query}")
        assert status == 200
        (series,) = answer["series"]
        assert set(parts) <= series.keys()
        assert {name: part for name, part in series.items() if name not in parts} == more
    _, answer = get(inside, "/api/v1/metrics/calls")
    assert len(answer["series"]) == len(ALL)
    _, answer = get(inside, "/api/v1/services/shop/instances")
    assert answer["instances"] == [
        {"instance": "pod-1", "region": "", "layer": "MESH", "properties": {"os": "linux"}}
    ]
    assert get(inside, "/api/v1/services/none/instances")[0] == 404


def test_text_that_sql_cannot_hold_is_no_fault(inside: House) -> None:
    odd = Entity(Scope.SERVICE, "MESH", "nul\0 and \ud800")
    found = inside.store.write(lambda c: register_entities(c, [odd]))
    assert inside.rows("SELECT entity_id, service FROM entity") == [(found[odd], "nul and ?")]
