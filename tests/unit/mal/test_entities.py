"""Entity functions of every scope: which parts an entity has, and which labels are its keys."""

import pytest

from app.errors import RuleError
from app.mal.entities import Entity, Scope
from tests.unit.mal.families import Families

LABELS = {
    "s": "shop",
    "i": "pod-1",
    "e": "/cart",
    "p": "java",
    "ds": "db",
    "di": "db-0",
    "lay": "OS_LINUX",
    "comp": "49",
    "side": "SERVER",
    "src": "11",
    "dst": "22",
    "cloud_region": "eu",
}


@pytest.mark.parametrize(
    ("call", "entity", "keys"),
    [
        (
            "service(['s', 'e'], '|', Layer.L)",
            Entity(Scope.SERVICE, "L", "shop|/cart"),
            {"s", "e"},
        ),
        (
            "instance(['s'], ['i'], Layer.L)",
            Entity(Scope.SERVICE_INSTANCE, "L", "shop", instance="pod-1", region="eu"),
            {"s", "i", "cloud_region"},
        ),
        (
            "instance(['s', 'e'], '::', ['i', 'p'], '', Layer.L, null)",
            Entity(Scope.SERVICE_INSTANCE, "L", "shop::/cart", instance="pod-1.java", region="eu"),
            {"s", "e", "i", "p", "cloud_region"},
        ),
        (
            "endpoint(['s'], ['e', 'p'], ':', Layer.L)",
            Entity(Scope.ENDPOINT, "L", "shop", "/cart:java", "eu"),
            {"s", "e", "p", "cloud_region"},
        ),
        (
            "process(['s'], ['i'], ['p'], 'lay')",
            Entity(
                Scope.PROCESS, "OS_LINUX", "shop", instance="pod-1", process="java", region="eu"
            ),
            {"s", "i", "p", "lay", "cloud_region"},
        ),
        (
            "serviceRelation(DetectPoint.CLIENT, ['s'], ['ds'], Layer.L)",
            Entity(Scope.SERVICE_RELATION, "L", "shop", dest_service="db", detect_point="CLIENT"),
            {"s", "ds"},
        ),
        (
            "serviceRelation(DetectPoint.SERVER, ['s'], ['ds', 'di'], '-', Layer.L, 'comp')",
            Entity(
                Scope.SERVICE_RELATION,
                "L",
                "shop",
                dest_service="db-db-0",
                detect_point="SERVER",
                component=49,
            ),
            {"s", "ds", "di", "comp"},
        ),
        (
            "serviceInstanceRelation(DetectPoint.PROXY, ['s'], ['i'], ['ds'], ['di'], Layer.L)",
            Entity(
                Scope.SERVICE_INSTANCE_RELATION,
                "L",
                "shop",
                instance="pod-1",
                dest_service="db",
                dest_instance="db-0",
                detect_point="PROXY",
            ),
            {"s", "i", "ds", "di"},
        ),
        (
            "processRelation('side', ['s'], ['i'], 'src', 'dst', 'comp')",
            Entity(
                Scope.PROCESS_RELATION,
                "",
                "shop",
                instance="pod-1",
                process="11",
                dest_process="22",
                detect_point="SERVER",
                component=49,
            ),
            {"side", "s", "i", "src", "dst", "comp"},
        ),
    ],
)
def test_entities_of_every_scope(call: str, entity: Entity, keys: set[str]) -> None:
    families = Families({"m": [(LABELS, 1.0)]})
    compiled = families.compiled(f"m.{call}")
    assert compiled.emission.targets == [(entity, ())]
    assert compiled.entity_rule.keys == keys


def test_a_part_without_a_name_leaves_the_sample_out() -> None:
    families = Families({"m": [({**LABELS, "i": ""}, 1.0)]})
    assert not families.compiled("m.instance(['s'], ['i'], Layer.L)").emission.targets


def test_a_side_that_is_not_the_server_is_the_client() -> None:
    families = Families({"m": [({**LABELS, "side": "whatever", "comp": ""}, 1.0)]})
    compiled = families.compiled("m.processRelation('side', ['s'], ['i'], 'src', 'dst', 'comp')")
    ((entity, _),) = compiled.emission.targets
    assert (entity.detect_point, entity.component) == ("CLIENT", 0)


@pytest.mark.parametrize("component", ["http", "2147483648", "-1" + "0" * 30])
def test_a_component_that_sql_cannot_hold_costs_its_series_only(component: str) -> None:
    families = Families({"m": [({**LABELS, "comp": component}, 1.0), (LABELS, 2.0)]})
    text = "m.serviceRelation(DetectPoint.CLIENT, ['s'], ['ds'], '.', Layer.L, 'comp')"
    assert len(families.compiled(text).emission.targets) == 1
    assert len(families.faults) == 1


@pytest.mark.parametrize(
    "call",
    [
        "instance(['s'], Layer.L)",
        "instance(['s'], '.', ['i'], '.', Layer.L)",
        "process(['s'], ['i'], ['p'], Layer.L)",
        "serviceRelation(['s'], ['ds'], Layer.L)",
        "serviceRelation(DetectPoint.MIDDLE, ['s'], ['ds'], Layer.L)",
        "serviceRelation(DetectPoint.CLIENT, ['s'], ['ds'], '.', Layer.L)",
        "serviceInstanceRelation(DetectPoint.CLIENT, ['s'], ['i'], ['ds'], Layer.L)",
        "processRelation('side', ['s'], ['i'], 'src', 'dst')",
    ],
)
def test_other_arguments_are_refused_with_what_is_taken(call: str) -> None:
    name = call.partition("(")[0]
    with pytest.raises(RuleError, match=f"{name} takes"):
        Families({}).compiled(f"m.{call}")
