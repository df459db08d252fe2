"""What all pages have in common: headers, assets, errors, the time range of links."""

import gzip
import re

import httpx
import pytest
from fastapi import Request

from app.alarms.rules import AlarmRules
from app.errors import HydrantError, QueryTimeout, ResultTooLarge, StorageBusy
from app.promql.limits import Limits
from tests.fixtures.house import House
from tests.fixtures.rest import application_over, ask

BROWSER = {"accept": "text/html,application/xhtml+xml"}


def page(shop: House, url: str = "/", **headers: str) -> httpx.Response:
    return ask(shop, url, headers={**BROWSER, **headers})


def test_a_page_runs_nothing_but_its_own_files(shop: House) -> None:
    answer = page(shop)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r"<script(?![^>]* src=)", answer.text) == []
    assert re.findall(r"<[^>]+ (?:style|on\w+)=", answer.text) == []


def test_assets_are_kept_for_ever_under_their_digest_and_not_under_another(shop: House) -> None:
    paths = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page(shop).text)
    assert len(paths) >= 5
    for path in paths:
        answer = ask(shop, path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        name = path.split("/", 3)[3]
        old = ask(shop, f"/assets/old/{name}")
        assert (old.content, old.headers["cache-control"]) == (answer.content, "no-store")


@pytest.mark.parametrize("path", ["no.js", "../web.py", "%2e%2e/web.py", "vendor", ""])
def test_only_files_among_the_assets_are_answered(shop: House, path: str) -> None:
    assert ask(shop, f"/assets/x/{path}").status_code == 404


def test_pages_are_compressed_for_browsers_that_take_it(shop: House) -> None:
    plain = ask(shop, "/", headers={**BROWSER, "accept-encoding": "identity"})
    packed = ask(shop, "/", headers={**BROWSER, "accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(gzip.compress(plain.content)) + 200


def test_links_keep_the_time_range_and_nothing_where_it_is_usual(shop: House) -> None:
    assert 'href="/explore"' in page(shop).text
    kept = page(shop, "/?from=now-12h&to=now-1h").text
    assert 'href="/explore?from=now-12h&amp;to=now-1h"' in kept


def test_a_wrong_range_is_told_as_a_page_with_the_parameter(shop: House) -> None:
    answer = page(shop, "/?from=never")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "<code>from</code>" in answer.text
    assert "&#39;never&#39;" in answer.text


def test_what_is_asked_for_is_escaped_where_it_is_shown(shop: House) -> None:
    answer = page(shop, "/?from=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in answer.text


def test_browsers_get_pages_for_unknown_paths_and_programs_get_json(shop: House) -> None:
    assert "<h1>Not Found</h1>" in page(shop, "/nowhere").text
    assert ask(shop, "/nowhere").json()["kind"] == "not_found"
    assert page(shop, "/api/v1/nowhere").json()["kind"] == "not_found"
    part = page(shop, "/nowhere", **{"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (QueryTimeout("too long"), "60"),
        (StorageBusy("locked", retry_after_seconds=2), "5"),
        (StorageBusy("locked", retry_after_seconds=9), "9"),
        (ResultTooLarge("too much"), None),
    ],
)
def test_parts_say_when_they_are_asked_for_again_and_not_where_that_is_in_vain(
    shop: House, error: HydrantError, after: str | None
) -> None:
    pages = application_over(shop, 1_000, Limits(), AlarmRules(), (), (), None).state
    answer = pages.error_page(_request((b"hx-request", b"true")), error)
    assert (answer.status_code, answer.headers.get("retry-after")) == (200, after)
    assert (b"asked again in" in answer.body) is (after is not None)
    assert b"asked again in" not in pages.error_page(_request(), error).body


def _request(*headers: tuple[bytes, bytes]) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "server": ("hydrant", 80),
            "client": ("127.0.0.1", 1),
            "path": "/tables",
            "query_string": b"",
            "headers": list(headers),
        }
    )


def test_trying_again_leaves_out_what_was_refused_and_keeps_the_rest(shop: House) -> None:
    answer = page(shop, "/explore?q=aaa&q=bbb&from=bad")
    assert answer.status_code == 400
    assert 'href="/explore?q=aaa&amp;q=bbb">Try again without it' in answer.text
    posted = ask(shop, "/alarms/incidents/1/acknowledgement", form={"a": "b"}, headers=BROWSER)
    assert posted.status_code >= 400
    assert "Try again" not in posted.text
