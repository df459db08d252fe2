"""The route of explanations and the command, over one database."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint
from typer.testing import CliRunner

from app.cli import application as command_line
from app.errors import NotFound
from app.main import build_application
from app.otlp import Encoding
from app.rules import load_rule_directory
from app.settings import DEFAULT_RULES, load_settings
from tests.contract.test_evaluation import MINUTE_MS, RULES, deliver, point
from tests.fixtures.exports import TIME_MS, TIME_NS, attributes, export
from tests.fixtures.house import House, house
from tests.fixtures.rest import get

PATH = "/api/v1/explain/t_consumed"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    directory = tmp_path / "rules"
    directory.mkdir()
    (directory / "t.yaml").write_text(RULES, "utf-8")
    return directory


@pytest.fixture
def database(database_url: str, rules: Path) -> str:
    with house(database_url, load_rule_directory(rules)) as made:
        points = [point("ConsumedReadCapacityUnits", 2, 10.5, TableName=n) for n in ("a", "b")]
        part = point("ConsumedReadCapacityUnits", 2, 4.0, TableName="a", Source="Customer")
        deliver(made, "1", *points, part)
        made.evaluator.evaluate_dirty()
    return database_url


class Client:
    """Requests to the application without a socket."""

    def __init__(self, portal: BlockingPortal, application: FastAPI) -> None:
        self._portal = portal
        self._application = application

    def get(self, path: str, **query: str | list[str]) -> httpx.Response:
        return self._portal.call(self._get, path, query)

    async def _get(self, path: str, query: dict[str, str | list[str]]) -> httpx.Response:
        transport = httpx.ASGITransport(self._application)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, params=query)


@pytest.fixture
def client(database: str, rules: Path) -> Iterator[Client]:
    settings = load_settings(database=database, rules=rules, allow_anonymous=True)
    application = build_application(settings)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(application.router.lifespan_context(application)),
    ):
        yield Client(portal, application)


def command(*arguments: str) -> str:
    result = CliRunner().invoke(command_line, ["rules", "explain", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_route_explains_a_value_down_to_its_points(client: Client) -> None:
    answer = client.get(PATH, endpoint="a", time=str(MINUTE_MS)).json()
    assert answer["time"] == MINUTE_MS
    assert answer["searched"] is None
    assert answer["rules"][0]["rule"] == "t.yaml:6"
    (value,) = answer["values"]
    assert (value["value"], value["stored"]["value"], value["verdict"]) == (10.5, 10.5, "agrees")
    assert [step["counted"] for step in value["steps"]] == [1, 1]
    assert [step["left_out"] for step in value["steps"]] == [1, 1]
    whole, part = value["series"]
    assert part["dimensions"] == {"Source": "Customer", "TableName": "a"}
    assert part["left_out"]
    assert whole["left_out"] is None
    assert whole["families"] == [
        {
            "family": "amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits",
            "statistic": "Sum",
            "within_minute": "sum",
        }
    ]
    (stored,) = whole["points"]
    assert (stored["start"], stored["period"], stored["SampleCount"], stored["Sum"]) == (
        MINUTE_MS,
        60,
        2.0,
        10.5,
    )


def test_any_time_in_the_minute_and_any_form_of_it_will_do(client: Client) -> None:
    for time in (str(MINUTE_MS + 59_999), str(MINUTE_MS // 1000 + 7)):
        answer = client.get(PATH, time=time).json()
        assert (answer["time"], answer["total"]) == (MINUTE_MS, 2)


def test_limit_bounds_what_is_told(client: Client) -> None:
    answer = client.get(PATH, limit="1").json()
    assert (answer["total"], len(answer["values"])) == (2, 1)
    assert answer["values"][0]["series_total"] == 2
    assert len(answer["values"][0]["series"]) == 1


def test_without_a_value_the_route_says_why(client: Client) -> None:
    answer = client.get(PATH, endpoint="aa").json()
    assert answer["values"] == []
    assert "no endpoint is called 'aa'; similar: a" in answer["reasons"]
    assert answer["families"][0]["series"] == 3


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"time": "yesterday"}, "invalid_parameter"),
        ({"limit": "0"}, "invalid_parameter"),
        ({"table": "a"}, "invalid_parameter"),
        ({"endpoint": ["a", "b"]}, "invalid_parameter"),
    ],
)
def test_wrong_parameters_are_refused(
    client: Client, query: dict[str, str | list[str]], kind: str
) -> None:
    response = client.get(PATH, **query)
    assert (response.status_code, response.json()["kind"]) == (httpx.codes.BAD_REQUEST, kind)


def test_an_unknown_metric_is_not_found(client: Client) -> None:
    response = client.get("/api/v1/explain/t_consumde")
    assert response.status_code == httpx.codes.NOT_FOUND
    assert response.json()["message"].endswith("similar: t_consumed")


def test_values_of_an_unknown_metric_get_the_same_answer(client: Client) -> None:
    explained = client.get("/api/v1/explain/t_consumde")
    response = client.get("/api/v1/metrics/t_consumde")
    assert (response.status_code, response.text) == (httpx.codes.NOT_FOUND, explained.text)


def test_parameters_that_may_be_repeated_are(client: Client) -> None:
    path, repeated = "/api/v1/statistics", ["Sum", "Minimum"]
    (series,) = client.get(path, statistic=repeated, dimension="TableName:b").json()["series"]
    assert list(series["statistics"]) == repeated
    both = ["TableName:a", "Source:Customer"]
    assert len(client.get("/api/v1/series", dimension=both).json()["series"]) == 1


def test_the_command_prints_what_the_route_gives(
    client: Client, database: str, rules: Path
) -> None:
    where = "--database", database, "--rules", str(rules)
    asked = "t_consumed", "--endpoint", "a", "--time", str(MINUTE_MS)
    query = {"endpoint": "a", "time": str(MINUTE_MS)}
    route = client.get(PATH, **query)
    assert command(*asked, "--json", "--limit", "1000", *where).strip() == route.text
    text = command(*asked, *where)
    assert text.startswith("t_consumed at 2026-11-18T")
    assert "/ a / eu-west-1: 10.5" in text


def test_the_command_raises_known_errors(database: str, rules: Path) -> None:
    with pytest.raises(NotFound, match="no metric t_what"):
        command("t_what", "--database", database, "--rules", str(rules))


NODE = "eks_cluster_node_cpu_utilization"
CALLS = """
metricPrefix: mesh
metricsRules:
  - {name: calls, exp: "calls.sum(['from', 'to', 'pod']).serviceInstanceRelation(DetectPoint.SERVER, ['from'], ['pod'], ['to'], ['pod'], Layer.MESH)"}
  - {name: threads, exp: "threads.process(['from'], ['pod'], ['program'], 'layer')"}
"""  # noqa: E501 - rules are lines


@pytest.fixture
def mesh(database_url: str, tmp_path: Path) -> Iterator[tuple[House, tuple[str, ...]]]:
    """A house with gauges of two nodes, of a call and of a process; and how to find it."""
    directory = tmp_path / "mesh"
    directory.mkdir()
    (directory / "node.yaml").write_text((DEFAULT_RULES / "aws-eks/eks-node.yaml").read_text())
    (directory / "mesh.yaml").write_text(CALLS)

    def gauge(name: str, value: float, **labels: str) -> Metric:
        point = NumberDataPoint(
            attributes=attributes(**labels), time_unix_nano=TIME_NS, as_double=value
        )
        return Metric(name=name, gauge=Gauge(data_points=[point]))

    request = export(
        gauge("node_cpu_utilization", 2.5, ClusterName="prod", NodeName="node-1"),
        gauge("node_cpu_utilization", 50.0, ClusterName="prod", NodeName="node-2"),
        gauge("calls", 7.0, **{"from": "shop", "to": "stock", "pod": "pod-1"}),
        gauge("threads", 3.0, pod="pod-1", program="nginx", layer="MESH", **{"from": "shop"}),
        job_name="aws-cloud-eks-monitoring",
        cloud__region="eu-west-1",
    )
    with house(database_url, load_rule_directory(directory)) as made:
        body = request.SerializeToString()
        made.ingest.store(made.ingest.open_export(body, Encoding.PROTOBUF))
        made.evaluator.evaluate_dirty()
        yield made, ("--database", database_url, "--rules", str(directory))


def only(inside: House, name: str, query: str) -> dict[str, object]:
    """The one value that is explained; what is stored of it agrees."""
    status, answer = get(inside, f"/api/v1/explain/{name}?time={TIME_MS}{query}")
    assert (status, answer["total"]) == (200, 1), answer
    (value,) = answer["values"]
    assert (value["verdict"], value["stored"]["value"]) == ("agrees", value["value"])
    assert answer["stored_only"] == []
    assert len(value["series"][0]["points"]) == 1
    return {name: value[name] for name in value if name in PARTS} | {"value": value["value"]}


PARTS = {
    *("layer", "service", "instance", "endpoint", "process", "region"),
    *("dest_service", "dest_instance", "dest_process", "detect_point", "component"),
}


def test_an_instance_is_explained_and_compared(mesh: tuple[House, tuple[str, ...]]) -> None:
    inside, where = mesh
    node = {
        "layer": "AWS_EKS",
        "service": "aws-eks-cluster::prod",
        "instance": "node-2",
        "endpoint": "",
        # The rule does not tell regions apart.
        "region": "",
    }
    assert only(inside, NODE, "&instance=node-2") == {**node, "value": 50.0}
    _, answer = get(inside, f"/api/v1/explain/{NODE}?time={TIME_MS}")
    assert [value["verdict"] for value in answer["values"]] == ["agrees", "agrees"]
    _, answer = get(inside, f"/api/v1/explain/{NODE}?instance=node-3&time={TIME_MS}")
    assert "no instance is called 'node-3'; similar: node-2, node-1" in answer["reasons"]
    _, answer = get(inside, f"/api/v1/metrics/{NODE}?instance=node-2")
    assert [series["values"] for series in answer["series"]] == [[50.0]]
    text = command(NODE, "--instance", "node-1", "--time", str(TIME_MS), *where)
    assert "aws-eks-cluster::prod / node-1: 2.5" in text
    assert "the stored value is the same to the last bit" in text


def test_relations_and_processes_are_explained(mesh: tuple[House, tuple[str, ...]]) -> None:
    inside, where = mesh
    found = only(inside, "mesh_calls", "&dest_service=stock&dest_instance=pod-1")
    assert found == {
        "layer": "MESH",
        "service": "shop",
        "instance": "pod-1",
        "endpoint": "",
        "region": "",
        "dest_service": "stock",
        "dest_instance": "pod-1",
        "detect_point": "SERVER",
        "value": 7.0,
    }
    found = only(inside, "mesh_threads", "&process=nginx")
    assert (found["process"], found["value"]) == ("nginx", 3.0)
    for part in ("process=apache", "dest_process=nginx", "dest_instance=pod-2"):
        name, _, asked = part.partition("=")
        _, answer = get(inside, f"/api/v1/explain/mesh_calls?time={TIME_MS}&{part}")
        assert answer["values"] == []
        assert any(f"no {name} is called {asked!r}" in reason for reason in answer["reasons"])
    called = "--dest-service", "stock", "--dest-instance", "pod-1", "--time", str(TIME_MS)
    text = command("mesh_calls", *called, *where)
    assert "shop / pod-1 → stock / pod-1 (SERVER): 7.0" in text
