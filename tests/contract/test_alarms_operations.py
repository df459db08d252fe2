"""Silencing and acknowledging over HTTP: what it does, and who may."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.alarms.rules import AlarmRules
from tests.fixtures import alarm_history as history
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rest import ask

API = "/api/v1/alarms"
OPERATOR = "an-operator-token-1"
READER = "a-reading-token-01"
JSON = {"content-type": "application/json"}
AS_OPERATOR = {**JSON, "authorization": f"Bearer {OPERATOR}"}
AS_READER = {**JSON, "authorization": f"Bearer {READER}"}
ORDERS = {"matchers": [{"name": "TableName", "value": "orders"}], "duration": "2h"}
HOUR_MS = 3_600_000


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, ()) as made:
        made.store.write(lambda connection: history.write_history(connection, NOW_MS))
        yield made


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """For what is decided before the database: one for all tests."""
    with house(f"sqlite:///{tmp_path_factory.mktemp('door') / 'hydrant.db'}", ()) as made:
        made.store.write(lambda connection: history.write_history(connection, NOW_MS))
        yield made


def send(
    inside: House,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    **more: Any,  # noqa: ANN401 - as ask has it
) -> httpx.Response:
    """A request of an operator, where operators and readers have tokens."""
    tokens: dict[str, Any] = {"operators": (OPERATOR,), "readers": (READER,)}
    return ask(
        inside,
        path if path.startswith("http") else API + path,
        method=method,
        body=b"" if body is None else json.dumps(body).encode(),
        headers=AS_OPERATOR if headers is None else headers,
        **{**tokens, **more},
    )


def test_a_silence_holds_until_it_is_ended(inside: House, tmp_path: Any) -> None:  # noqa: ANN401
    rules: AlarmRules = history.rules_in(tmp_path)
    made = send(inside, "POST", "/silences", {**ORDERS, "comment": "load test"})
    assert made.status_code == 201, made.text
    silence = made.json()
    assert made.headers["location"] == f"{API}/silences/{silence['id']}"
    assert silence == {
        "id": silence["id"],
        "state": "active",
        "matchers": [{"name": "TableName", "operator": "=", "value": "orders"}],
        "starts": NOW_MS,
        "ends": NOW_MS + 2 * HOUR_MS,
        "comment": "load test",
        "created_by": "key-1",
        "created": NOW_MS,
    }

    def silenced() -> list[list[int]]:
        answer = ask(inside, f"{API}?state=ALARM", alarms=rules)
        return [each["silenced"] for each in answer.json()["alarms"]]

    assert silenced() == [[silence["id"]], []]
    assert ask(inside, f"{API}/silences").json() == {"silences": [silence]}
    assert ask(inside, f"{API}/silences/{silence['id']}").json() == silence
    ended = send(inside, "DELETE", f"/silences/{silence['id']}")
    assert (ended.status_code, ended.json()["state"]) == (200, "expired")
    assert silenced() == [[], []]
    assert ask(inside, f"{API}/silences").json() == {"silences": []}
    assert len(ask(inside, f"{API}/silences?expired=true").json()["silences"]) == 1
    assert send(inside, "DELETE", f"/silences/{silence['id']}").status_code == 200
    assert send(inside, "DELETE", "/silences/99").status_code == 404
    assert ask(inside, f"{API}/silences/99").status_code == 404


def test_a_silence_for_later_by_somebody(inside: House) -> None:
    body = {
        "matchers": [{"name": "region", "operator": "=~", "value": "eu-.*"}],
        "starts": NOW_MS + HOUR_MS,
        "ends": "2100-01-01T00:00:00Z",
        "created_by": "ada",
    }
    refused = send(inside, "POST", "/silences", body)
    assert refused.json()["message"] == "ends: a silence lasts a year at most"
    body["ends"] = NOW_MS + 2 * HOUR_MS
    silence = send(inside, "POST", "/silences", body).json()
    assert (silence["state"], silence["created_by"]) == ("pending", "ada")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"duration": "2h"}, "missing required field `matchers`"),
        ({**ORDERS, "matchers": []}, "a silence needs one matcher or more"),
        ({**ORDERS, "matchers": [{"name": "a", "value": 1}]}, "Expected `str`, got `int`"),
        ({**ORDERS, "matcher": []}, "unknown field `matcher`"),
        ({**ORDERS, "ends": NOW_MS}, "give either ends or duration"),
        ({**ORDERS, "duration": "soon"}, "'soon' is not a duration such as 2h or 1d"),
        ({**ORDERS, "starts": "soon"}, "starts: "),
        ({"matchers": ORDERS["matchers"]}, "give either ends or duration"),
        ({**ORDERS, "comment": "x" * 3000}, "Expected `str` of length <= 2000"),
        ({"matchers": ORDERS["matchers"], "ends": NOW_MS - 1}, "a silence ends after it starts"),
        ({**ORDERS, "comment": "a\0b"}, "Expected `str` matching regex"),
        ([], "Expected `object`, got `array`"),
        ({**ORDERS, "matchers": [{"name": "a", "value": "(", "operator": "=~"}]}, "not a regular"),
    ],
)
def test_a_wrong_silence_is_told(door: House, body: object, message: str) -> None:
    answer = send(door, "POST", "/silences", body)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["message"]
    assert ask(door, f"{API}/silences").json() == {"silences": []}


def test_an_incident_is_acknowledged_and_not_any_more(inside: House) -> None:
    path = "/incidents/1/acknowledgement"
    answer = send(inside, "POST", path, {"by": "ada", "comment": "raising it"})
    assert answer.status_code == 200, answer.text
    expected = {"at": NOW_MS, "by": "ada", "comment": "raising it"}
    assert answer.json()["acknowledgement"] == expected
    assert ask(inside, f"{API}/incidents/1").json()["acknowledgement"] == expected
    assert send(inside, "POST", path).json()["acknowledgement"]["by"] == "key-1"
    removed = send(inside, "DELETE", path)
    assert (removed.status_code, removed.json()["acknowledgement"]) == (200, None)
    assert send(inside, "DELETE", path).status_code == 200
    assert send(inside, "POST", "/incidents/99/acknowledgement").status_code == 404
    ended = send(inside, "POST", "/incidents/3/acknowledgement")
    assert (ended.status_code, "has ended" in ended.json()["message"]) == (400, True)


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        (JSON, 401, "unauthorized"),
        ({**JSON, "authorization": "Bearer wrong-token-00001"}, 401, "unauthorized"),
        (AS_READER, 403, "forbidden"),
        ({**AS_OPERATOR, "sec-fetch-site": "cross-site"}, 403, "forbidden"),
        ({**AS_OPERATOR, "sec-fetch-site": "same-site"}, 403, "forbidden"),
        ({**AS_OPERATOR, "origin": "http://elsewhere"}, 403, "forbidden"),
        ({**AS_OPERATOR, "origin": "null"}, 403, "forbidden"),
        ({**AS_OPERATOR, "content-type": "text/plain"}, 415, "unsupported_media_type"),
        ({"authorization": f"Bearer {OPERATOR}"}, 415, "unsupported_media_type"),
        (AS_OPERATOR, 201, None),
        ({**AS_OPERATOR, "sec-fetch-site": "same-origin", "origin": "http://hydrant"}, 201, None),
        ({**AS_OPERATOR, "origin": "http://hydrant"}, 201, None),
    ],
)
def test_who_may_silence(
    door: House, headers: dict[str, str], status: int, kind: str | None
) -> None:
    answer = send(door, "POST", "/silences", ORDERS, headers)
    assert answer.status_code == status, answer.text
    assert answer.json().get("kind") == kind
    stored = ask(door, f"{API}/silences").json()["silences"]
    assert len(stored) == (1 if status == 201 else 0)
    for each in stored:
        send(door, "DELETE", f"/silences/{each['id']}")
    if status in {401, 403}:
        assert send(door, "DELETE", "/silences/1", None, headers).status_code == status
        path = "/incidents/1/acknowledgement"
        assert send(door, "POST", path, {}, headers).status_code == status
        assert send(door, "DELETE", path, None, headers).status_code == status


def test_operators_may_read_too(door: House) -> None:
    for headers in (AS_OPERATOR, AS_READER):
        assert send(door, "GET", "/silences", None, headers).status_code == 200
    assert send(door, "GET", "/silences", None, JSON).status_code == 401


LOCAL = "http://127.0.0.1"


@pytest.mark.parametrize(
    ("host", "headers", "readers", "message"),
    [
        (LOCAL, {}, (), None),
        ("http://hydrant", {}, (), "only this machine may change anything"),
        (LOCAL, {"host": "attacker.example"}, (), "only this machine may change anything"),
        (LOCAL, {"x-forwarded-for": "203.0.113.1"}, (), "only this machine may change anything"),
        (LOCAL, {"authorization": f"Bearer {READER}"}, (READER,), "set HYDRANT_OPERATOR_TOKENS"),
        (LOCAL, {"sec-fetch-site": "cross-site"}, (), "a page of another site"),
    ],
)
def test_without_operators_only_this_machine_may(
    door: House,
    host: str,
    headers: dict[str, str],
    readers: tuple[str, ...],
    message: str | None,
) -> None:
    answer = send(
        door,
        "POST",
        f"{host}{API}/silences",
        ORDERS,
        {**JSON, **headers},
        operators=(),
        readers=readers,
    )
    assert answer.status_code == (403 if message else 201), answer.text
    assert message is None or message in answer.json()["message"]
    assert message or answer.json()["created_by"] == "local"
    if not message:
        send(door, "DELETE", f"/silences/{answer.json()['id']}")


def test_a_body_is_small(door: House) -> None:
    body = {**ORDERS, "comment": "x" * 100_000}
    assert send(door, "POST", "/silences", body).status_code == 413
