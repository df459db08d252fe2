"""The pages of streams and rules say what REST says, and escape what others wrote."""

from tests.fixtures.house import House
from tests.fixtures.rest import ask, get

_PAGE = {"accept": "text/html"}


def test_streams_are_those_of_rest_with_their_rejections(shop: House) -> None:
    shop.post([b"<script>alert(1)</script>"], "broken")
    page = ask(shop, "/streams", headers=_PAGE)
    assert page.status_code == 200
    status, answer = get(shop, "/api/v1/streams")
    assert (status, page.text.count('aria-label="Stream ')) == (200, answer["total"])
    for stream in answer["streams"]:
        for reason in stream["rejections"]:
            assert reason in page.text
    total = get(shop, "/api/v1/quarantine")[1]["total"]
    assert total > 0
    assert f"{total} in quarantine" in page.text
    assert "<script>alert" not in page.text


def test_rules_have_their_place_and_unknown_metrics_are_told(shop: House) -> None:
    metrics = get(shop, "/api/v1/metrics")[1]["metrics"]
    page = ask(shop, "/rules", headers=_PAGE)
    assert page.status_code == 200
    assert f"{len(metrics)} metrics" in page.text
    first = metrics[0]
    shown = ask(shop, f"/rules/{first['name']}", headers=_PAGE)
    assert shown.status_code == 200
    assert first["rule"] in shown.text
    assert ask(shop, "/rules/no_such_metric", headers=_PAGE).status_code == 404
    none = ask(shop, "/rules?q=<script>", headers=_PAGE)
    assert "<script>”" not in none.text
    assert "&lt;script&gt;" in none.text
