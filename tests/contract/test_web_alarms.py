"""The pages of alarms: REST's numbers, forms that do what REST does, and what they refuse."""

from typing import Any

import httpx
import pytest

from tests.fixtures.alarms import THROTTLED, alarm_rules, deliver, heartbeat, incidents, throttled
from tests.fixtures.house import House, house
from tests.fixtures.rest import ask, get

_PAGE = {"accept": "text/html"}
_OPERATOR = "an-operator-token-1"
_RULES = alarm_rules(THROTTLED.replace("Reads of a table", "<b>Reads</b> of a table"))


@pytest.fixture
def inside(database_url: str) -> Any:  # noqa: ANN401 - a generator of a house
    with house(database_url, (), alarm_rules=_RULES) as made:
        deliver(made, throttled(1, 5, table="<i>orders</i>"), throttled(1, 7, table="carts"))
        deliver(made, heartbeat(4))
        yield made


def send(inside: House, url: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as ask has it
    headers = {**_PAGE, **more.pop("headers", {})}
    return ask(inside, url, alarms=_RULES, headers=headers, **more)


def test_pages_name_what_rest_names_and_escape_it(inside: House) -> None:
    found = incidents(inside)
    assert len(found) == 2
    history = send(inside, "/alarms/history?from=2026-01-01T00:00:00Z").text
    assert f"{len(found)} incidents" in history
    for each in found:
        page = send(inside, f"/alarms/incidents/{each.incident_id}").text
        assert each.rule in page
        assert "<i>orders" not in page
        assert "<b>Reads" not in page
    rule = send(inside, "/alarms/rules/Throttled").text
    assert "rules.yaml:" in rule
    answer = ask(inside, "/api/v1/alarms", alarms=_RULES).json()
    assert len(answer["alarms"]) == 2
    for state in ("ALARM", "OK", "INSUFFICIENT_DATA"):
        count = sum(each["state"] == state for each in answer["alarms"])
        assert f"{count} {state}" in rule


def test_forms_are_refused_without_a_token_and_for_other_sites(inside: House) -> None:
    path = "/alarms/silences"
    form = {"name": "TableName", "operator": "=", "value": "carts", "duration": "1h"}
    token = {"authorization": f"Bearer {_OPERATOR}"}
    # The client of these tests is this machine, but the name it asks for is not.
    assert send(inside, path, form=form).status_code == 403
    assert send(inside, path, form=form, operators=(_OPERATOR,)).status_code == 401
    other = {**token, "sec-fetch-site": "cross-site"}
    assert send(inside, path, form=form, operators=(_OPERATOR,), headers=other).status_code == 403
    assert get(inside, "/api/v1/alarms/silences")[1]["silences"] == []
    done = send(inside, path, form=form, operators=(_OPERATOR,), headers=token)
    assert (done.status_code, done.headers["location"]) == (303, "/alarms/silences")
    (made,) = get(inside, "/api/v1/alarms/silences")[1]["silences"]
    assert made["matchers"] == [{"name": "TableName", "operator": "=", "value": "carts"}]
    page = send(inside, path, operators=(_OPERATOR,), headers=token).text
    assert f"/alarms/silences/{made['id']}/end" in page
    assert "/end" not in send(inside, path, operators=(_OPERATOR,)).text
    end = f"/alarms/silences/{made['id']}/end"
    ended = send(
        inside,
        end,
        body=b"",
        operators=(_OPERATOR,),
        headers={**token, "content-type": "application/x-www-form-urlencoded"},
    )
    assert ended.status_code == 303
    assert get(inside, "/api/v1/alarms/silences")[1]["silences"] == []


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "Table Name", "operator": "=", "value": "x", "duration": "1h"}, "matchers"),
        ({"name": "a", "operator": "=", "value": "x", "duration": "soon"}, "duration"),
        ({"name": "a", "operator": "=", "value": "x", "duration": "1h", "what": "1"}, "what"),
    ],
)
def test_a_wrong_field_is_named(inside: House, form: dict[str, str], field: str) -> None:
    headers = {"authorization": f"Bearer {_OPERATOR}"}
    answer = send(inside, "/alarms/silences", form=form, operators=(_OPERATOR,), headers=headers)
    assert answer.status_code == 400
    assert f"<code>{field}</code>" in answer.text


def test_an_incident_is_acknowledged_through_its_page(inside: House) -> None:
    deliver(inside, *(throttled(minute, 3, table="carts") for minute in range(220, 240)))
    (row,) = [each for each in incidents(inside) if each.ended_ms is None]
    page, headers = f"/alarms/incidents/{row.incident_id}", {"authorization": f"Bearer {_OPERATOR}"}
    form = {"by": "<u>Ada</u>", "comment": "looking"}
    done = send(
        inside, f"{page}/acknowledgement", form=form, operators=(_OPERATOR,), headers=headers
    )
    assert (done.status_code, done.headers["location"]) == (303, page)
    told = get(inside, f"/api/v1{page}")[1]["acknowledgement"]
    assert (told["by"], told["comment"]) == ("<u>Ada</u>", "looking")
    for url in (page, "/alarms"):
        shown = send(inside, url).text
        assert "&lt;u&gt;Ada" in shown
        assert "<u>Ada" not in shown
