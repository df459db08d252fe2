"""The committed files, Grafana's model, and what the expressions name."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.dashboards import Dashboard, load_dashboards
from app.grafana import render
from app.grafana.__main__ import write_dashboards
from app.rules import MetricDefinition
from app.settings import DEFAULT_DASHBOARDS
from tests.unit.grafana.expressions import faults, filled_in, shipped_definitions

GRAFANA = Path(__file__).parents[3] / "deploy" / "grafana"
ALL = load_dashboards(DEFAULT_DASHBOARDS)
EVERY = pytest.mark.parametrize("dashboard", ALL, ids=lambda item: item.uid)


@pytest.fixture(scope="module")
def definitions() -> dict[str, MetricDefinition]:
    return shipped_definitions()


def test_the_committed_files_are_what_the_description_gives(tmp_path: Path) -> None:
    written = {path.name: path.read_text() for path in write_dashboards(tmp_path)}
    committed = {path.name: path.read_text() for path in (GRAFANA / "dashboards").iterdir()}
    assert committed == written, "run `make grafana` and commit what it writes"


def test_files_of_dashboards_that_are_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.json").write_text("{}")
    (tmp_path / "README").write_text("kept")
    write_dashboards(tmp_path)
    assert not (tmp_path / "gone.json").exists()
    assert (tmp_path / "README").exists()


@EVERY
def test_expressions_name_metrics_and_labels_that_rules_give(
    dashboard: Dashboard, definitions: dict[str, MetricDefinition]
) -> None:
    wrong = {
        f"{widget.title}: {query.expression}": found
        for widget in dashboard.widgets
        for query in widget.queries
        if (found := faults(query.expression, definitions))
    }
    assert not wrong


@EVERY
def test_variables_ask_for_labels_that_rules_give(
    dashboard: Dashboard, definitions: dict[str, MetricDefinition]
) -> None:
    for variable in dashboard.variables:
        assert not faults(f"sum by ({variable.label}) ({variable.selector})", definitions)


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("aws_dynamodb_nothing", "no rule defines aws_dynamodb_nothing"),
        (
            'aws_dynamodb_successful_requests{endpoint="a"}',
            "aws_dynamodb_successful_requests has no label endpoint",
        ),
        (
            "sum by (Operation) (aws_dynamodb_endpoint_successful_requests)",
            "aws_dynamodb_endpoint_successful_requests has no label Operation",
        ),
        (
            'sum_over_time(aws_dynamodb_endpoint_operation_requests{GlobalSecondaryIndexName="a"}[5m])',
            "aws_dynamodb_endpoint_operation_requests has no label GlobalSecondaryIndexName",
        ),
    ],
)
def test_unknown_metrics_and_labels_are_found(
    expression: str, fault: str, definitions: dict[str, MetricDefinition]
) -> None:
    assert faults(expression, definitions) == [fault]


@EVERY
def test_legends_name_labels_that_the_result_has(
    dashboard: Dashboard, definitions: dict[str, MetricDefinition]
) -> None:
    for widget in dashboard.widgets:
        for query in widget.queries:
            for label in re.findall(r"\{\{(\w+)\}\}", query.legend):
                grouped = query.expression.startswith(("sum by", "topk"))
                inner = query.expression if grouped else f"sum by ({label}) ({query.expression})"
                assert not faults(inner, definitions)
                if grouped:
                    groups = re.findall(r"by \(([^)]*)\)", query.expression)
                    assert all(label in group.split(", ") for group in groups)


@EVERY
def test_panels_use_the_variables_that_the_dashboard_has(dashboard: Dashboard) -> None:
    known = {variable.name for variable in dashboard.variables}
    known |= {"__interval", "__range"}
    for widget in dashboard.widgets:
        for query in widget.queries:
            assert set(re.findall(r"\$(\w+)", query.expression)) <= known
            assert "$" not in filled_in(query.expression)


@EVERY
def test_the_file_is_a_dashboard_of_grafana(dashboard: Dashboard) -> None:
    content = json.loads(render(dashboard))
    assert content["uid"] == dashboard.uid
    assert len(dashboard.uid) <= 40  # Grafana's limit
    assert content["schemaVersion"] >= 39
    ids = [panel["id"] for panel in content["panels"]]
    assert len(ids) == len(set(ids))
    for panel in content["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["description"].endswith(".")
            letters = [target["refId"] for target in panel["targets"]]
            assert letters
            assert len(letters) == len(set(letters))
    for one, other in combinations(content["panels"], 2):
        assert not _overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_dashboards_are_told_apart() -> None:
    assert len({item.uid for item in ALL}) == len({item.title for item in ALL}) == len(ALL)
    for dashboard in ALL:
        for row in dashboard.rows:
            titles = [widget.title for widget in row.widgets]
            assert len(titles) == len(set(titles))


def test_tables_are_instant_and_graphs_are_not() -> None:
    for dashboard in ALL:
        for panel in json.loads(render(dashboard))["panels"]:
            if panel["type"] != "row":
                instant = panel["type"] != "timeseries"
                assert all(target["instant"] is instant for target in panel["targets"])
                assert all(target["range"] is not instant for target in panel["targets"])


def test_provisioning_names_the_data_source_and_the_directory() -> None:
    source = _yaml("datasources/hydrant.yaml")["datasources"][0]
    assert source["type"] == "prometheus"
    assert source["url"].endswith("/prometheus")
    assert source["jsonData"]["timeInterval"] == "60s"
    provider = _yaml("dashboards/hydrant.yaml")["providers"][0]
    guide = (GRAFANA.parents[1] / "docs" / "grafana.md").read_text()
    assert f"deploy/grafana/dashboards {provider['options']['path']}" in guide
    for dashboard in ALL:
        assert f"{dashboard.uid}.json" in guide


def _yaml(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((GRAFANA / "provisioning" / name).read_text())
    assert isinstance(loaded, dict)
    return loaded
