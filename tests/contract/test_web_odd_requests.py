"""Requests that no browser of good will sends: told what is wrong, and never a stack trace."""

import pytest

from tests.fixtures.house import House
from tests.fixtures.rest import ask

BROWSER = {"accept": "text/html"}


@pytest.mark.parametrize("host", ["[::1", "[", "a:b:c", "a:99999", "x]y"])
@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/streams", "/aws/firehose/metrics"])
def test_a_host_header_that_names_no_host(shop: House, host: str, path: str) -> None:
    answer = ask(shop, path, headers={**BROWSER, "host": host})
    assert answer.status_code == 400
    assert "Host header" in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_origins_that_cannot_be_read_are_others(shop: House) -> None:
    headers = {"origin": "http://[", "content-type": "application/json"}
    answer = ask(shop, "/api/v1/marks", body=b'{"text": "x"}', headers=headers)
    assert answer.status_code == 403


def test_a_part_asked_for_by_a_page_that_cannot_be_read(shop: House) -> None:
    headers = {**BROWSER, "hx-request": "true", "hx-current-url": "http://["}
    answer = ask(shop, "/tables", headers=headers, readers=("a-reading-token-01",))
    assert answer.headers["hx-redirect"] == "/sign-in"


@pytest.mark.parametrize(
    "path",
    [
        "/tables/t?account=%00",
        "/tables/%00",
        "/accounts/%00",
        "/alarms?rule=%00",
        "/explore/series?namespace=%00&metric=x",
        "/explore/statistics?namespace=%00&metric=x",
        "/explain?metric=%00",
        "/dashboards/hydrant-dynamodb-account?var-region=%00",
    ],
)
def test_a_nul_character_is_refused(shop: House, path: str) -> None:
    answer = ask(shop, path, headers=BROWSER)
    assert answer.status_code == 400
    assert "NUL" in answer.text
