"""``rules`` and ``alerts`` of Prometheus' API, as Grafana asks for them, on both engines."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from app.alarms.rules import AlarmRules
from app.promql.parsing import parse
from tests.fixtures import alarm_history as history
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rest import ask

API = "/prometheus/api/v1"
Known = tuple[House, AlarmRules]


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def known(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Known]:
    directory = tmp_path_factory.mktemp("alerts")
    database = f"sqlite:///{directory / 'hydrant.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        server.create_database("prometheus_alerts")
        database = server.url("prometheus_alerts")
    with house(database, ()) as made:
        made.store.write(lambda connection: history.write_history(connection, NOW_MS))
        yield made, history.rules_in(directory)


def data(known: Known, path: str, **parameters: Any) -> Any:  # noqa: ANN401 - parsed JSON
    inside, rules = known
    answer = ask(inside, f"{API}{path}?{urlencode(parameters, doseq=True)}", alarms=rules)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "success"
    return answer.json()["data"]


def names(known: Known, **parameters: Any) -> list[str]:  # noqa: ANN401 - any parameter
    groups = data(known, "/rules", **parameters)["groups"]
    return [rule["name"] for group in groups for rule in group["rules"]]


def test_alerts_are_the_alarms_that_fire(known: Known) -> None:
    orders, stock = data(known, "/alerts")["alerts"]
    assert orders == {
        "labels": {
            "TableName": "orders",
            "account": "111122223333",
            "alertname": "ReadThrottled",
            "region": "eu-west-1",
            "severity": "critical",
            "team": "storage",
        },
        "annotations": {
            "summary": "orders: 12 throttled reads",
            "description": "Reads of a table are throttled.",
            "reason": "why",
            "runbook_url": "docs/alarms.md#readthrottled",
        },
        "state": "firing",
        "activeAt": "2026-11-18T11:10:00Z",
        "value": "1.2e+01",
    }
    assert (stock["labels"]["severity"], stock["value"]) == ("warning", "2.5e+00")


def test_groups_are_files(known: Known) -> None:
    account, throttling = data(known, "/rules")["groups"]
    assert (account["name"], account["file"]) == ("account.yaml", "account.yaml")
    errors, quarantine = account["rules"]
    assert (errors["health"], errors["lastError"]) == ("err", "too many series")
    assert (quarantine["health"], quarantine["lastEvaluation"]) == (
        "unknown",
        "0001-01-01T00:00:00Z",
    )
    throttled, latency = throttling["rules"]
    assert throttling["interval"] == 60
    assert throttling["lastEvaluation"] == "2026-11-18T12:00:00Z"
    alerts = throttled.pop("alerts")
    assert alerts == data(known, "/alerts")["alerts"]
    assert throttled == {
        "state": "firing",
        "name": "ReadThrottled",
        "query": 'aws_dynamodb_ReadThrottleEvents_sum{TableName!=""} >= 1',
        "duration": 0,
        "keepFiringFor": 0,
        "labels": {"team": "storage", "severity": "warning"},
        "annotations": {
            "summary": "{TableName}: {value} throttled reads",
            "description": "Reads of a table are throttled.",
            "runbook_url": "docs/alarms.md#readthrottled",
        },
        "health": "ok",
        "evaluationTime": 0,
        "lastEvaluation": "2026-11-18T12:00:00Z",
        "type": "alerting",
    }
    assert (latency["state"], latency["duration"], latency["alerts"]) == ("inactive", 300, [])


def test_queries_are_promql(known: Known) -> None:
    queries = {
        rule["name"]: rule["query"]
        for group in data(known, "/rules")["groups"]
        for rule in group["rules"]
    }
    assert queries["Latency"] == (
        'sum_over_time(aws_dynamodb_SuccessfulRequestLatency_sum{Operation="Query", TableName!=""}'
        "[5m]) / sum_over_time(aws_dynamodb_SuccessfulRequestLatency_samplecount"
        '{Operation="Query", TableName!=""}[5m]) > 50'
    )
    assert queries["Errors"] == "(sum by (account, region) (aws_dynamodb_UserErrors_sum)) > 1000"
    for query in queries.values():
        parse(query)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"type": "alert"}, ["Errors", "Undecodable", "ReadThrottled", "Latency"]),
        ({"type": "record"}, []),
        ({"rule_name[]": ["Latency", "Errors"]}, ["Errors", "Latency"]),
        ({"file[]": "account.yaml"}, ["Errors", "Undecodable"]),
        ({"rule_group[]": "throttling.yaml", "rule_name[]": "Errors"}, []),
        ({"match[]": '{team="storage"}'}, ["ReadThrottled"]),
        ({"match[]": ['{team="storage"}', '{severity="info"}']}, ["Errors", "ReadThrottled"]),
        ({"match[]": '{severity!~"info|warning", severity=~".+"}'}, []),
    ],
)
def test_rules_are_filtered(known: Known, parameters: dict[str, Any], expected: list[str]) -> None:
    assert names(known, **parameters) == expected


def test_alerts_may_be_left_out_and_groups_come_in_pages(known: Known) -> None:
    groups = data(known, "/rules", exclude_alerts="true")["groups"]
    assert {len(rule["alerts"]) for group in groups for rule in group["rules"]} == {0}
    first = data(known, "/rules", group_limit=1)
    assert [group["name"] for group in first["groups"]] == ["account.yaml"]
    token = first["groupNextToken"]
    second = data(known, "/rules", group_limit=1, group_next_token=token)
    assert [group["name"] for group in second["groups"]] == ["throttling.yaml"]
    assert "groupNextToken" not in second


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"type": "rule"}, 'invalid parameter "type": not supported value "rule"'),
        ({"match[]": "{a="}, 'invalid parameter "match[]": 1:4: parse error'),
        ({"match[]": "1 + 1"}, "is not a selector of labels"),
        ({"match[]": '{a=~"("}'}, 'invalid parameter "match[]"'),
        ({"exclude_alerts": "perhaps"}, 'invalid parameter "exclude_alerts"'),
        ({"group_limit": "0"}, "group_limit needs to be greater than 0"),
        ({"group_limit": "-1"}, "limit must be non-negative"),
        ({"group_next_token": "x"}, "group_limit needs to be present"),
        ({"group_limit": "1", "group_next_token": "x"}, "invalid group_next_token 'x'"),
    ],
)
def test_a_wrong_parameter_is_refused_as_prometheus_does(
    known: Known, parameters: dict[str, Any], error: str
) -> None:
    inside, rules = known
    answer = ask(inside, f"{API}/rules?{urlencode(parameters)}", alarms=rules)
    assert answer.status_code == 400, answer.text
    content = answer.json()
    assert (content["status"], content["errorType"]) == ("error", "bad_data")
    assert error in content["error"]


def test_without_rules_there_are_no_groups(known: Known) -> None:
    inside, _ = known
    assert ask(inside, f"{API}/rules").json()["data"] == {"groups": []}
    assert ask(inside, f"{API}/alerts").json()["data"] == {"alerts": []}
    assert ask(inside, f"{API}/rules?type=rule").status_code == 400
