"""Signing in to the pages, over HTTP: who is led where, cookies, and requests of other sites."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import httpx
import pytest

from app.alarms.rules import AlarmRules
from app.promql.limits import Limits
from app.telemetry import REGISTRY
from tests.fixtures.house import House, house
from tests.fixtures.rest import application_over, ask

READER = "a-reading-token-01"
OPERATOR = "an-operator-token-1"
TOKENS: dict[str, Any] = {"readers": (READER,), "operators": (OPERATOR,)}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate"}
OWN = {"sec-fetch-site": "same-origin"}
SILENCES = "/api/v1/alarms/silences"
ORDERS = json.dumps({"matchers": [{"name": "TableName", "value": "orders"}], "duration": "2h"})


@pytest.fixture
def inside(sqlite_url: str) -> Iterator[House]:
    with house(sqlite_url, ()) as made:
        yield made


def send(inside: House, url: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as ask has it
    return ask(inside, url, **{**TOKENS, **more})


def sign_in(
    inside: House,
    token: str = READER,
    then: str = "/tables?from=now-7d&to=now",
    url: str = "/sign-in",
    **headers: str,
) -> httpx.Response:
    return send(
        inside, url, form={"token": token, "next": then}, headers={**BROWSER, **OWN, **headers}
    )


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_browser_is_led_to_sign_in_and_back(inside: House) -> None:
    led = send(inside, "/tables?region=eu-west-1&from=now-7d", headers=BROWSER)
    assert led.status_code == 303
    assert "www-authenticate" not in led.headers
    asked = urlsplit(led.headers["location"])
    assert (asked.scheme, asked.netloc, asked.path) == ("", "", "/sign-in")
    then = parse_qs(asked.query)["next"][0]
    assert then == "/tables?region=eu-west-1&from=now-7d"

    form = send(inside, led.headers["location"], headers=BROWSER)
    assert form.status_code == 200
    assert 'name="next" value="/tables?region=eu-west-1&amp;from=now-7d"' in form.text
    for asset in re.findall(r'(?:src|href)="(/assets/[^"]+)"', form.text):
        assert send(inside, asset).status_code == 200

    answer = sign_in(inside, then=then)
    assert (answer.status_code, answer.headers["location"]) == (303, then)
    page = send(inside, "/", headers={**BROWSER, **cookie_of(answer)})
    assert page.status_code == 200
    assert 'action="/sign-out"' in page.text


def test_programs_and_the_data_of_pages_are_told_401(inside: House) -> None:
    refused = send(inside, "/tables")
    assert (refused.status_code, refused.json()["kind"]) == (401, "unauthorized")
    for path in ("/api/v1/services", "/prometheus/api/v1/query?query=1", "/metrics", "/docs"):
        answer = send(inside, path, headers=BROWSER)
        assert answer.status_code == 401
        assert len(answer.headers.get_list("www-authenticate")) == 2
        # A script of a page: the browser must not ask for a password of its own.
        answer = send(inside, path, headers={"sec-fetch-mode": "cors"})
        assert answer.headers.get_list("www-authenticate") == ['Bearer realm="hydrant"']
    assert send(inside, "/tables", method="POST", headers=BROWSER).status_code == 401


def test_a_part_of_a_page_has_the_whole_page_led_to_sign_in(inside: House) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://hydrant/tables?from=now-7d"}
    answer = send(inside, "/tables/rows", headers=headers)
    assert answer.headers["hx-redirect"] == "/sign-in?next=/tables%3Ffrom%3Dnow-7d"
    assert answer.headers.get_list("www-authenticate") == ['Bearer realm="hydrant"']


@pytest.mark.parametrize("token", [READER, OPERATOR])
def test_a_session_reads_everything(inside: House, token: str) -> None:
    cookie = cookie_of(sign_in(inside, token))
    for path in ("/", "/api/v1/services", "/prometheus/api/v1/query?query=1", "/metrics"):
        assert send(inside, path, headers=cookie).status_code == 200, path
    inside.clock.advance(12 * 3600)
    assert send(inside, "/api/v1/services", headers=cookie).status_code == 401


@pytest.mark.parametrize(
    "headers", [{}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}]
)
def test_questions_by_post_need_a_page_of_this_server(
    inside: House, headers: dict[str, str]
) -> None:
    cookie = cookie_of(sign_in(inside))
    path, form = "/prometheus/api/v1/query", {"query": "1"}
    assert send(inside, path, form=form, headers={**cookie, **OWN}).status_code == 200
    assert send(inside, path, form=form, headers={**cookie, **headers}).status_code == 403
    token = {"authorization": f"Bearer {READER}"}
    assert send(inside, path, form=form, headers=token).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 201),
        ({"origin": "http://hydrant"}, 201),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 201),
        ({}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://hydrant"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://hydrant.example"}, 403),
        ({"origin": "http://hydrant:8080"}, 403),
    ],
)
@pytest.mark.parametrize("readers", [(READER,), ()])
def test_changes_with_a_session_are_asked_for_by_own_pages(
    inside: House, headers: dict[str, str], status: int, readers: tuple[str, ...]
) -> None:
    cookie = cookie_of(sign_in(inside, OPERATOR))
    given = {"content-type": "application/json", **cookie, **headers}
    answer = send(inside, SILENCES, body=ORDERS.encode(), headers=given, readers=readers)
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.json()["created_by"] == "key-1"


def test_a_readers_session_changes_nothing(inside: House) -> None:
    headers = {"content-type": "application/json", **OWN, **cookie_of(sign_in(inside))}
    answer = send(inside, SILENCES, body=ORDERS.encode(), headers=headers)
    assert answer.status_code == 403
    assert "operator token" in answer.json()["message"]


def test_a_token_counts_before_a_session(inside: House) -> None:
    cookie = cookie_of(sign_in(inside, OPERATOR))
    wrong = {**cookie, "authorization": "Bearer wrong"}
    assert send(inside, "/api/v1/services", headers=wrong).status_code == 401


def test_a_wrong_token_is_told_counted_and_limited(inside: House) -> None:
    def refused() -> float:
        labels = {"result": "refused"}
        return REGISTRY.get_sample_value("hydrant_sign_ins_total", labels) or 0.0

    before = refused()
    for number in range(10):
        answer = sign_in(inside, f"wrong-{number}")
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert "www-authenticate" not in answer.headers
        assert "not one of those" in answer.text
        assert f"wrong-{number}" not in answer.text
    assert refused() == before + 10
    answer = sign_in(inside)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61
    assert "set-cookie" not in answer.headers
    inside.clock.advance(61)
    assert sign_in(inside).status_code == 303


def test_many_wrong_tokens_at_once_are_limited_too(inside: House) -> None:
    application = application_over(
        inside, 1_000, Limits(), AlarmRules(), (OPERATOR,), (READER,), None
    )
    headers = {**BROWSER, **OWN, "content-type": "application/x-www-form-urlencoded"}
    statuses: list[int] = []

    async def all_at_once() -> None:
        may_go = anyio.Event()

        async def form(number: int) -> AsyncIterator[bytes]:
            await may_go.wait()
            yield f"token=wrong-{number}&next=/".encode()

        async def attempt(number: int) -> None:
            answer = await client.post("/sign-in", content=form(number), headers=headers)
            statuses.append(answer.status_code)

        transport = httpx.ASGITransport(application)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://hydrant") as client,
            anyio.create_task_group() as tasks,
        ):
            for number in range(40):
                tasks.start_soon(attempt, number)
            await anyio.wait_all_tasks_blocked()
            may_go.set()

    anyio.run(all_at_once)
    assert Counter(statuses) == {403: 10, 429: 30}


def test_signing_in_is_asked_for_by_own_pages_in_a_small_form(inside: House) -> None:
    form = {"token": READER}
    for headers in ({}, {"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
        answer = send(inside, "/sign-in", form=form, headers={**BROWSER, **headers})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    large = send(inside, "/sign-in", form={"token": "x" * 9_000}, headers={**BROWSER, **OWN})
    assert large.status_code == 413
    other = send(inside, "/sign-in", body=b'{"token": "x"}', headers={**BROWSER, **OWN})
    assert other.status_code == 415
    coded = {**BROWSER, **OWN, "content-type": "application/x-www-form-urlencoded"}
    for body in (b"token=%ff", b"\xff", b"a=1&" * 20, b""):
        assert send(inside, "/sign-in", body=body, headers=coded).status_code in {400, 403}


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_led_to_another_server(inside: House, then: str) -> None:
    assert sign_in(inside, then=then).headers["location"] == "/"
    form = send(inside, f"/sign-in?next={quote(then)}", headers=BROWSER)
    assert 'name="next" value="/"' in form.text


def test_the_cookie_is_for_this_host_over_tls_alone(inside: House) -> None:
    answer = sign_in(inside, url="https://hydrant/sign-in")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-hydrant-session=")
    assert set(attributes) == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax", "Secure"}
    secure = cookie_of(answer)
    assert send(inside, "https://hydrant/api/v1/services", headers=secure).status_code == 200
    # Another host of the domain could plant one by this name.
    plain = {"cookie": secure["cookie"].removeprefix("__Host-")}
    assert send(inside, "https://hydrant/api/v1/services", headers=plain).status_code == 401
    assert send(inside, "http://hydrant/api/v1/services", headers=plain).status_code == 200

    cookie = sign_in(inside).headers["set-cookie"]
    assert cookie.startswith("hydrant-session=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie


def test_signing_out_forgets_the_cookie(inside: House) -> None:
    cookie = cookie_of(sign_in(inside))
    foreign = send(inside, "/sign-out", method="POST", headers={**cookie, **BROWSER})
    assert foreign.status_code == 403
    answer = send(inside, "/sign-out", method="POST", headers={**cookie, **BROWSER, **OWN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert answer.headers["set-cookie"].startswith('hydrant-session="";')
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_where_no_token_is_needed_nobody_signs_in(inside: House) -> None:
    page = ask(inside, "/", headers=BROWSER)
    assert page.status_code == 200
    assert "/sign-in" not in page.text
    answer = ask(inside, "/sign-in?next=/tables", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tables")


def test_where_everybody_reads_operators_may_sign_in(inside: House) -> None:
    page = ask(inside, "/", headers=BROWSER, operators=(OPERATOR,))
    assert page.status_code == 200
    assert 'href="/sign-in"' in page.text


def test_signing_in_from_a_page_leads_back_to_what_it_showed(inside: House) -> None:
    shown = "/tables?q=a%20b&problems=1&from=now-7d&to=now"
    page = ask(inside, shown, headers=BROWSER, operators=(OPERATOR,))
    (link,) = re.findall(r'href="(/sign-in[^"]*)"', page.text)
    (then,) = parse_qs(urlsplit(link).query)["next"]
    assert then == shown
    assert sign_in(inside, OPERATOR, then).headers["location"] == shown
