"""Alarms over HTTP on both engines: lists, their filters and pages, and what changes something."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jsonschema_rs
import pytest

from app.alarms.rules import AlarmRules
from tests.contract.test_openapi import strict
from tests.fixtures import alarm_history as history
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rest import ask

API = "/api/v1/alarms"
OPERATOR = "an-operator-token-1"
READER = "a-reading-token-01"
JSON = {"content-type": "application/json"}
AS_OPERATOR = {**JSON, "authorization": f"Bearer {OPERATOR}"}
LISTS = {API: "alarms", "/history": "transitions", "/incidents": "incidents"}


class Alarms:
    """The routes over a house with a history."""

    def __init__(self, inside: House, rules: AlarmRules) -> None:
        self.inside = inside
        self.rules = rules

    def ask(self, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as ask has it
        url = path if path.startswith(("/api", "http", "/open", "/prom")) else API + path
        return ask(self.inside, url, alarms=self.rules, **more)

    def get(self, path: str) -> Any:  # noqa: ANN401 - parsed JSON
        answer = self.ask(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def write(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return self.ask(
            path,
            method=method,
            body=json.dumps(body).encode() if body is not None else None,
            headers=headers or AS_OPERATOR,
            operators=(OPERATOR,),
            readers=(READER,),
        )


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def alarms(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alarms]:
    directory = tmp_path_factory.mktemp("alarms")
    database = f"sqlite:///{directory / 'hydrant.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        server.create_database("alarms_api")
        database = server.url("alarms_api")
    with house(database, ()) as made:
        made.store.write(lambda connection: history.write_history(connection, NOW_MS))
        yield Alarms(made, history.rules_in(directory))


def test_states_with_what_is_known_of_each(alarms: Alarms) -> None:
    answer = alarms.get(f"{API}?state=ALARM&label=TableName:orders")
    assert answer["evaluated"] == history.END_MS
    (found,) = answer["alarms"]
    links = found.pop("links")
    assert found == {
        "rule": "ReadThrottled",
        "severity": "critical",
        "state": "ALARM",
        "since": history.START_MS + 600_000,
        "value": 12.0,
        "reason": "why",
        "entity": {"TableName": "orders", "account": "111122223333", "region": "eu-west-1"},
        "labels": {"team": "storage"},
        "datapoints": [[history.START_MS + 600_000, 12.0]],
        "incident": 1,
        "summary": "orders is throttled",
        "acknowledgement": None,
        "description": "Reads of a table are throttled.",
        "runbook": "docs/alarms.md#readthrottled",
        "silenced": [],
    }
    assert links["incident"] == f"{API}/incidents/1"
    data = parse_qs(urlsplit(links["data"]).query)
    assert data["dimension"] == ["TableName:orders"]
    assert (data["statistic"], data["period"]) == (["Sum"], ["60"])
    for link in links.values():
        assert alarms.ask(link).status_code == 200, link


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("", ["", "", "orders", "stock", "users"]),
        ("?state=ALARM", ["orders", "stock"]),
        ("?state=OK&state=INSUFFICIENT_DATA", ["", "", "users"]),
        ("?rule=ReadThrottled&state=OK", ["users"]),
        ("?severity=critical", ["orders"]),
        ("?severity=warning&severity=info", ["", "stock", "users"]),
        ("?label=team:storage", ["orders", "stock", "users"]),
        ("?label=TableName:", [""]),
        ("?account=111122223333&region=eu-west-1&rule=Errors", [""]),
        ("?region=us-east-1", []),
    ],
)
def test_states_are_filtered(alarms: Alarms, query: str, tables: list[str]) -> None:
    found = alarms.get(API + query)["alarms"]
    names = sorted(
        each["entity"].get("TableName", "") if each["rule"] != "Gone" else "" for each in found
    )
    assert names == tables


def test_a_rule_that_is_gone_and_one_on_an_expression(alarms: Alarms) -> None:
    (gone,) = alarms.get(f"{API}?rule=Gone")["alarms"]
    assert (gone["severity"], gone["description"], list(gone["links"])) == (None, None, ["history"])
    (errors,) = alarms.get(f"{API}?rule=Errors")["alarms"]
    assert (errors["severity"], errors["value"]) == ("info", None)
    assert errors["links"]["data"].startswith("/prometheus/api/v1/query_range?query=sum+by")
    assert alarms.ask(errors["links"]["data"]).status_code == 200


def test_history_is_newest_first_and_without_what_was_withdrawn(alarms: Alarms) -> None:
    found = alarms.get("/history")["transitions"]
    times = [each["at"] for each in found]
    assert times == sorted(times, reverse=True)
    assert len(found) == len(history.TRANSITIONS) - 1
    assert {each["withdrawn"] for each in found} == {None}
    (withdrawn, *others) = alarms.get("/history?withdrawn=true")["transitions"]
    assert others == found
    assert (withdrawn["withdrawn"], withdrawn["withdrawn_reason"]) == (NOW_MS, "late data")
    only = alarms.get("/history?to=ALARM&label=TableName:users&withdrawn=true")["transitions"]
    assert [each["at"] for each in only] == [
        history.START_MS + minute * 60_000 for minute in (30, 2)
    ]
    assert (
        alarms.get("/history?severity=critical&to=OK")["transitions"][0]["entity"]["TableName"]
        == "orders"
    )
    start = history.START_MS + 10 * 60_000
    inside = alarms.get(f"/history?start={start}&end={start + 1}")["transitions"]
    assert [each["entity"]["TableName"] for each in inside] == ["orders"]


def test_incidents(alarms: Alarms) -> None:
    found = alarms.get("/incidents")["incidents"]
    assert [each["entity"]["TableName"] for each in found] == ["stock", "orders", "users"]
    assert [each["state"] for each in found] == ["open", "open", "ended"]
    assert found[0]["acknowledgement"] == {"at": NOW_MS, "by": "ada", "comment": "on it"}
    assert alarms.get("/incidents?state=ended")["incidents"] == found[2:]
    assert alarms.get("/incidents?state=open&severity=critical")["incidents"] == found[1:2]
    assert alarms.get("/incidents?withdrawn=true")["incidents"] == []
    end = history.START_MS + 5 * 60_000
    assert alarms.get(f"/incidents?end={end}")["incidents"] == found[2:]
    one = alarms.get("/incidents/1")
    assert [each["channel"] for each in one.pop("notifications")] == ["chat", "ops"]
    assert one == found[1]
    missing = alarms.ask("/incidents/99")
    assert (missing.status_code, missing.json()["kind"]) == (404, "not_found")


def test_the_outbox(alarms: Alarms) -> None:
    found = alarms.get("/notifications")["notifications"]
    assert [each["state"] for each in found] == ["waiting", "waiting", "delivered"]
    assert [each["incidents"] for each in found] == [[1], [2], [1]]
    assert alarms.get("/notifications?channel=chat")["notifications"] == found[:1]
    assert alarms.get("/notifications?state=delivered")["notifications"] == found[2:]
    assert alarms.get("/notifications?incident=2")["notifications"] == found[1:2]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (API, "alarms"),
        (f"{API}/history?withdrawn=true", "transitions"),
        (f"{API}/incidents", "incidents"),
        (f"{API}/notifications", "notifications"),
    ],
)
def test_lists_come_in_pages_and_as_tables(alarms: Alarms, path: str, name: str) -> None:
    whole = alarms.get(path)[name]
    join = "&" if "?" in path else "?"
    pages, cursor = [], ""
    while True:
        answer = alarms.get(f"{path}{join}limit=2{cursor}")
        pages += answer[name]
        if "next" not in answer:
            break
        cursor = f"&cursor={answer['next']}"
    assert pages == whole
    text = alarms.ask(f"{path}{join}format=csv").text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(whole)
    assert [row.get("reason", "") for row in rows] == [item.get("reason", "") for item in whole]
    lines = alarms.ask(f"{path}{join}format=ndjson").text.splitlines()
    assert [json.loads(line)["rule" if "rule" in whole[0] else "id"] for line in lines] == [
        item["rule" if "rule" in whole[0] else "id"] for item in whole
    ]
    wrong = alarms.ask(f"{path}{join}cursor=AAAA")
    assert (wrong.status_code, wrong.json()["parameter"]) == (400, "cursor")


def test_answers_have_the_shapes_that_are_described(alarms: Alarms) -> None:
    document = alarms.get("/openapi.json")
    for path in ("", "/history", "/incidents", "/notifications"):
        operation = document["paths"][API + path]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert jsonschema_rs.meta.is_valid(schema)
        validator = jsonschema_rs.Draft202012Validator(strict(schema))
        validator.validate(alarms.get(path or API))
        validator.validate(schema["example"])
    posted = document["paths"][f"{API}/silences"]["post"]["requestBody"]
    schema = posted["content"]["application/json"]["schema"]
    jsonschema_rs.Draft202012Validator(schema).validate(schema["example"])


def test_rules_with_their_effective_settings(alarms: Alarms) -> None:
    answer = alarms.get("/rules")
    assert [each["name"] for each in answer["rules"]] == [
        "Errors",
        "Undecodable",
        "ReadThrottled",
        "Latency",
    ]
    errors, quarantine, throttled, latency = answer["rules"]
    assert errors["error"] == "too many series"
    assert errors["expression"].startswith("sum by")
    assert quarantine["quarantined"] == "records"
    assert throttled["place"] == "throttling.yaml:2"
    assert throttled["entities"] == {"OK": 1, "ALARM": 2, "INSUFFICIENT_DATA": 0}
    (override,) = throttled["overrides"]
    assert override["match"] == {"TableName": ["orders"]}
    assert (override["threshold"], override["severity"], override["period"]) == (
        10.0,
        "critical",
        60,
    )
    assert latency["metric"]["dimensions"] == {"Operation": "Query"}
    assert (latency["period"], latency["stale_after"], latency["evaluated"]) == (300, 900, None)
    assert alarms.get("/rules?rule=Latency")["rules"] == [latency]
    missing = alarms.ask("/rules?rule=Latensy")
    assert missing.status_code == 404
    assert "similar: Latency" in missing.json()["message"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (f"{API}?state=alarm", "state"),
        (f"{API}?severity=bad", "severity"),
        (f"{API}?label=orders", "label"),
        (f"{API}?table=orders", "table"),
        ("/history?to=FINE", "to"),
        ("/history?start=soon", "start"),
        ("/incidents?state=closed", "state"),
        ("/incidents/0", "incident"),
        ("/notifications?state=sent", "state"),
        ("/silences?expired=perhaps", "expired"),
    ],
)
def test_a_wrong_parameter_is_named(alarms: Alarms, path: str, parameter: str) -> None:
    answer = alarms.ask(path)
    assert answer.status_code == 400, answer.text
    assert (answer.json()["kind"], answer.json()["parameter"]) == ("invalid_parameter", parameter)
