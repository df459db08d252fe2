"""The HTTP API of Prometheus over stored data, on both engines: answers, and every refusal."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from app.api.prometheus.arguments import LARGEST_FORM_BYTES
from app.promql.limits import Limits
from tests.fixtures.house import House, house
from tests.fixtures.rest import ask
from tests.fixtures.rollups import START_MS, capacity, deliver, latency, rules

API = "/prometheus/api/v1"
START = START_MS // 1000
RAW = "aws_dynamodb_ConsumedReadCapacityUnits_sum"
TABLES = ("a.b", "orders", "users")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def inside(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """Three tables with ten minutes each: table number times 100 plus the minute."""
    database = f"sqlite:///{tmp_path_factory.mktemp('prometheus') / 'hydrant.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        server.create_database("prometheus_api")
        database = server.url("prometheus_api")
    with house(database, rules()) as made:
        points = [
            capacity(minute, 100.0 * number + minute, table=table)
            for number, table in enumerate(TABLES)
            for minute in range(10)
        ]
        deliver(made, *points, latency(0, 4.5, count=2), request_id="1")
        yield made


def success(inside: House, path: str, **parameters: Any) -> Any:  # noqa: ANN401 - JSON
    """The data of an answer that is the same for GET and POST."""
    answer = ask(inside, f"{API}{path}?{urlencode(parameters, doseq=True)}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert content["status"] == "success"
    return content["data"]


def refused(inside: House, path: str, status: int = 400, **parameters: object) -> tuple[str, str]:
    """Type and text of an error."""
    answer = ask(inside, f"{API}{path}?{urlencode(parameters, doseq=True)}")
    assert answer.status_code == status, answer.text
    content = answer.json()
    assert set(content) == {"status", "errorType", "error"}
    assert content["status"] == "error"
    return content["errorType"], content["error"]


def test_an_instant_query(inside: House) -> None:
    at = START + 600
    data = success(inside, "/query", query=f'{RAW}{{TableName!="a.b"}}', time=at)
    labels = {"__name__": RAW, "account": "1", "region": "eu-west-1"}
    assert data == {
        "resultType": "vector",
        "result": [
            {"metric": {**labels, "TableName": "orders"}, "value": [at, "109"]},
            {"metric": {**labels, "TableName": "users"}, "value": [at, "209"]},
        ],
    }
    by_rfc = success(inside, "/query", query=f"sum({RAW})", time="2026-11-18T04:00:00.5Z")
    assert by_rfc == success(inside, "/query", query=f"sum({RAW})", time=1794974400.5)
    # Without a time it is the clock's: hours later, when nothing is left.
    assert success(inside, "/query", query=RAW)["result"] == []


def test_load_balancers_ask_for_heads(inside: House) -> None:
    for path in ("healthy", "ready"):
        answer = ask(inside, f"/prometheus/-/{path}", method="HEAD")
        assert (answer.status_code, answer.content) == (200, b"")


def test_a_form_without_content_type_is_told_so(inside: House) -> None:
    answer = ask(inside, f"{API}/query", body=b"query=1")
    assert answer.status_code == 415
    assert "this has no Content-Type" in answer.json()["error"]


def test_a_scalar_a_string_and_a_range(inside: House) -> None:
    assert success(inside, "/query", query="1+1", time=4) == {
        "resultType": "scalar",
        "result": [4, "2"],
    }
    assert success(inside, "/query", query='"x"', time="4.25") == {
        "resultType": "string",
        "result": [4.25, "x"],
    }
    data = success(inside, "/query", query=f'{RAW}{{TableName="users"}}[2m]', time=START + 180)
    assert data["resultType"] == "matrix"
    (series,) = data["result"]
    assert series["values"] == [[START + 120, "201"], [START + 180, "202"]]


def test_a_range_query(inside: House) -> None:
    parameters = {"start": START + 60, "end": START + 239, "step": "1m"}
    data = success(inside, "/query_range", query=f"sum({RAW})", **parameters)
    assert data == {
        "resultType": "matrix",
        "result": [
            {
                "metric": {},
                "values": [[START + 60, "300"], [START + 120, "303"], [START + 180, "306"]],
            }
        ],
    }
    for step in ("60", "60.0", "60s"):
        again = success(inside, "/query_range", query=f"sum({RAW})", **parameters | {"step": step})
        assert again == data
    scalar = success(inside, "/query_range", query="2", **parameters)
    assert scalar["result"] == [
        {"metric": {}, "values": [[START + minute * 60, "2"] for minute in (1, 2, 3)]}
    ]


def test_a_rules_metric_has_the_labels_of_its_entity(inside: House) -> None:
    data = success(inside, "/query", query='t_sum{endpoint="users"}', time=START + 60)
    (series,) = data["result"]
    assert series["metric"]["service"] == "1"
    assert series["metric"]["region"] == "eu-west-1"
    assert series["value"] == [START + 60, "200"]


def test_post_and_get_answer_alike(inside: House) -> None:
    parameters = {"query": f"sum({RAW})", "time": str(START + 60)}
    by_form = ask(inside, f"{API}/query", form=parameters)
    assert by_form.json() == ask(inside, f"{API}/query?{urlencode(parameters)}").json()
    # What the form says counts more than the URL.
    both = ask(inside, f"{API}/query?query=1&time={START + 60}", form={"query": f"sum({RAW})"})
    assert both.json() == by_form.json()
    match = {"match[]": [f'{RAW}{{TableName="users"}}', f'{RAW}{{TableName="orders"}}']}
    for path in ("/series", "/labels"):
        posted = ask(inside, f"{API}{path}", form=match).json()
        assert posted["data"]
        assert posted["data"] == success(inside, path, **match)
    # As promtool and Grafana post what has no parameters.
    assert ask(inside, f"{API}/labels", form={}).json()["status"] == "success"


def test_series_and_labels(inside: House) -> None:
    found = success(inside, "/series", **{"match[]": [RAW, f'{RAW}{{TableName="users"}}']})
    assert [series["TableName"] for series in found] == list(TABLES)
    assert all(series["__name__"] == RAW for series in found)
    names = success(inside, "/labels")
    assert {"__name__", "TableName", "account", "region", "endpoint"} <= set(names)
    assert names == sorted(names)
    assert success(inside, "/labels", **{"match[]": RAW}) == [
        *("TableName", "__name__", "account", "region")
    ]
    values = success(inside, "/label/TableName/values")
    assert values == list(TABLES)
    assert success(
        inside, "/label/TableName/values", **{"match[]": f'{RAW}{{TableName=~"u.*"}}'}
    ) == ["users"]
    assert {RAW, "t_sum"} <= set(success(inside, "/label/__name__/values"))
    assert success(inside, "/label/nothing/values") == []
    # Grafana's spelling of a name that would not do in a path.
    assert success(inside, "/label/U__TableName/values") == values
    assert success(inside, f"/label/{quote('service.name', safe='')}/values") == []


def test_what_there_is_depends_on_the_time(inside: House) -> None:
    day = 86_400
    earlier = {"start": START - 3 * day, "end": START - 2 * day}
    later = {"start": START + 2 * 3_600, "end": START + day}
    match = {"match[]": RAW}
    around = {"start": START, "end": START + 600}
    since, until = {"start": START}, {"end": START + 600}
    for time, count in ((earlier, 0), (later, 0), (around, 3), (since, 3), (until, 3)):
        assert len(success(inside, "/series", **match, **time)) == count
    assert success(inside, "/labels", **earlier) == []
    assert success(inside, "/label/TableName/values", **earlier) == []
    ever = {"start": "-292273086-05-16T16:47:06Z", "end": "292277025-08-18T07:12:54.999999999Z"}
    assert len(success(inside, "/series", **match, **ever)) == 3


def test_metadata(inside: House) -> None:
    of_all = success(inside, "/metadata")
    assert {RAW, "t_sum"} <= set(of_all)
    (of_raw,) = of_all[RAW]
    assert set(of_raw) == {"type", "unit", "help"}
    assert (of_raw["type"], of_raw["unit"]) == ("gauge", "Count")
    assert success(inside, "/metadata", metric=RAW) == {RAW: [of_raw]}
    assert success(inside, "/metadata", metric="nothing") == {}
    assert len(success(inside, "/metadata", limit=2)) == 2
    assert success(inside, "/metadata", metric=RAW, limit_per_metric=1) == {RAW: [of_raw]}


def test_limits_cut_and_warn(inside: House) -> None:
    for path, parameters in (
        ("/query", {"query": RAW, "time": START + 60}),
        ("/query_range", {"query": RAW, "start": START, "end": START + 60, "step": 60}),
        ("/series", {"match[]": RAW}),
        ("/labels", {}),
        ("/label/TableName/values", {}),
    ):
        whole = ask(inside, f"{API}{path}?{urlencode({**parameters, 'limit': 0})}").json()
        assert "warnings" not in whole
        cut = ask(inside, f"{API}{path}?{urlencode({**parameters, 'limit': 2})}").json()
        assert cut["warnings"] == ["results truncated due to limit"]
        listed = whole["data"] if isinstance(whole["data"], list) else whole["data"]["result"]
        found = cut["data"] if isinstance(cut["data"], list) else cut["data"]["result"]
        assert found == listed[:2] != listed


def test_expressions_are_printed_and_told_as_trees(inside: House) -> None:
    assert success(inside, "/format_query", query="sum by(a)(x)/y") == "sum by (a) (x) / y"
    tree = success(inside, "/parse_query", query='-max_over_time(x{a=~"b"}[5m] offset 1m)')
    assert tree["type"] == "unaryExpr"
    call = tree["expr"]
    assert call["func"] == {
        "name": "max_over_time",
        "argTypes": ["matrix"],
        "variadic": 0,
        "returnType": "vector",
    }
    assert call["args"] == [
        {
            "type": "matrixSelector",
            "name": "x",
            "range": 300_000,
            "offset": 60_000,
            "matchers": [
                {"name": "__name__", "value": "x", "type": "="},
                {"name": "a", "value": "b", "type": "=~"},
            ],
            "timestamp": None,
            "startOrEnd": None,
        }
    ]
    joined = success(inside, "/parse_query", query="a * on (x) group_left (y) topk(2, b)")
    assert joined["matching"] == {
        "card": "many-to-one",
        "labels": ["x"],
        "on": True,
        "include": ["y"],
    }
    assert joined["rhs"]["param"] == {"type": "numberLiteral", "val": "2"}
    for path in ("/format_query", "/parse_query"):
        kind, text = refused(inside, path, query="sum(")
        assert kind == "bad_data"
        assert text.startswith('invalid parameter "query": 1:')
    _, text = refused(inside, "/parse_query", query="abs(" * 190 + "x" + ")" * 190)
    assert text.endswith("nested or chained more than 128 levels deep")


def test_what_clients_ask_about_the_server(inside: House) -> None:
    info = success(inside, "/status/buildinfo")
    assert info["version"].startswith("3.")
    assert info["revision"].startswith("hydrant-")
    assert success(inside, "/rules") == {"groups": []}
    assert success(inside, "/alerts") == {"alerts": []}
    assert success(inside, "/query_exemplars", query="x", start=1, end=2) == []
    for path in ("healthy", "ready"):
        answer = ask(inside, f"/prometheus/-/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (
            200,
            "text/plain; charset=utf-8",
        )


def test_stats_and_annotations(inside: House) -> None:
    data = success(inside, "/query", query="1", time=1, stats="all")
    assert set(data["stats"]["timings"]) == {"evalTotalTime", "execQueueTime", "execTotalTime"}
    answer = ask(
        inside, f"{API}/query?{urlencode({'query': f'rate({RAW}[5m])', 'time': START + 300})}"
    )
    assert any("PromQL info: " in info for info in answer.json()["infos"])


QUERY = {"query": RAW}
RANGE = {"query": RAW, "start": START, "end": START + 60, "step": 60}
MATCH = {"match[]": RAW}


@pytest.mark.parametrize(
    ("path", "parameters", "text"),
    [
        ("/query", {"query": "sum("}, 'invalid parameter "query": 1:5: parse error: '),
        ("/query", {}, 'invalid parameter "query": 1:1: parse error: no expression found in input'),
        (
            "/query",
            {**QUERY, "time": "x"},
            'invalid parameter "time": cannot parse "x" to a valid timestamp',
        ),
        (
            "/query",
            {**QUERY, "timeout": "x"},
            'invalid parameter "timeout": cannot parse "x" to a valid duration',
        ),
        ("/query", {**QUERY, "lookback_delta": "0s"}, 'invalid parameter "lookback_delta": '),
        (
            "/query",
            {**QUERY, "limit": "-1"},
            'invalid parameter "limit": limit must be non-negative',
        ),
        (
            "/query_range",
            {**RANGE, "start": "x"},
            'invalid parameter "start": cannot parse "x" to a valid timestamp',
        ),
        (
            "/query_range",
            {"query": RAW},
            'invalid parameter "start": cannot parse "" to a valid timestamp',
        ),
        (
            "/query_range",
            {**RANGE, "end": START - 1},
            'invalid parameter "end": end timestamp must not be before start time',
        ),
        (
            "/query_range",
            {**RANGE, "step": "x"},
            'invalid parameter "step": cannot parse "x" to a valid duration',
        ),
        *(
            (
                "/query_range",
                {**RANGE, "step": step},
                'invalid parameter "step": zero or negative query resolution step widths are',
            )
            for step in ("0", "-1", "0.0001")
        ),
        (
            "/query_range",
            {**RANGE, "end": START + 11_001, "step": 1},
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the",
        ),
        *(
            (
                "/query_range",
                {**RANGE, "query": query},
                f'invalid parameter "query": invalid expression type "{kind}" for range query, ',
            )
            for query, kind in ((f"{RAW}[5m]", "range vector"), ('"x"', "string"))
        ),
        ("/series", {}, "no match[] parameter provided"),
        ("/series", {"match[]": "{"}, 'invalid parameter "match[]": 1:2: parse error: '),
        ("/series", {"match[]": "{}"}, 'invalid parameter "match[]": 1:1: parse error: '),
        ("/series", {"match[]": "sum(x)"}, 'invalid parameter "match[]": a series selector'),
        ("/labels", {"match[]": "x offset 1m"}, 'invalid parameter "match[]": a series selector'),
        ("/series", {**MATCH, "start": "x"}, 'invalid parameter "start": cannot parse'),
        ("/labels", {"end": "x"}, 'invalid parameter "end": cannot parse'),
        ("/labels", {"start": 2, "end": 1}, 'invalid parameter "end": end timestamp must not'),
        ("/label/x/values", {"limit": "x"}, 'invalid parameter "limit": '),
        ("/label/U__/values", {}, 'invalid label name: ""'),
        ("/metadata", {"limit": "x"}, 'invalid parameter "limit": '),
        ("/query_exemplars", {"start": "x"}, 'invalid parameter "start": cannot parse'),
    ],
)
def test_bad_data(inside: House, path: str, parameters: dict[str, object], text: str) -> None:
    kind, message = refused(inside, path, 400, **parameters)
    assert kind == "bad_data"
    assert text in message
    assert message.startswith(text) or path == "/query_range"


def test_limits_of_queries(inside: House) -> None:
    def limited(path: str, limits: Limits, **parameters: object) -> tuple[int, str, str]:
        answer = ask(inside, f"{API}{path}?{urlencode(parameters)}", limits=limits)
        content = answer.json()
        return answer.status_code, content["errorType"], content["error"]

    at = {"query": RAW, "time": START + 60}
    status, kind, text = limited("/query", Limits(max_samples=2), **at)
    assert (status, kind) == (422, "execution")
    assert "too many samples" in text
    status, kind, text = limited("/query", Limits(max_series=2), **at)
    assert (status, kind) == (422, "execution")
    assert "HYDRANT_QUERY_MAX_SERIES" in text
    status, kind, text = limited("/series", Limits(max_series=2), **MATCH)
    assert (status, kind) == (422, "execution")
    assert "narrow match[]" in text
    status, kind, text = limited("/query", Limits(), **at, timeout="0s")
    assert (status, kind) == (503, "timeout")
    assert "timed out" in text


def test_a_lookback_of_its_own(inside: House) -> None:
    after = START + 600 + 30
    assert success(inside, "/query", query=RAW, time=after)["result"]
    assert success(inside, "/query", query=RAW, time=after, lookback_delta="20s")["result"] == []
    assert success(inside, "/query", query=RAW, time=after + 300)["result"] == []
    wide = success(inside, "/query", query=RAW, time=after + 300, lookback_delta=600)
    assert len(wide["result"]) == 3


def test_errors_of_the_framework_have_the_same_shape(inside: House) -> None:
    for method, path, body, headers, status, kind in (
        ("GET", "/nothing", None, {}, 404, "not_found"),
        ("GET", "/status/config", None, {}, 404, "not_found"),
        ("DELETE", "/series", None, {}, 405, "bad_data"),
        ("POST", "/label/x/values", b"", {}, 405, "bad_data"),
        ("POST", "/query", b"{}", {"content-type": "application/json"}, 415, "bad_data"),
        ("POST", "/query", b"query=%ff", None, 400, "bad_data"),
        ("POST", "/query", b"&a=1" * 10_001, None, 400, "bad_data"),
        ("POST", "/query", b"x" * (LARGEST_FORM_BYTES + 1), None, 413, "bad_data"),
    ):
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = ask(
            inside,
            f"{API}{path}",
            method=method,
            body=body,
            headers=form if headers is None else headers,
        )
        assert answer.status_code == status, answer.text
        content = answer.json()
        assert (content["status"], content["errorType"]) == ("error", kind)
        assert content["error"]


def test_odd_texts_are_answered_or_refused(inside: House) -> None:
    odd = ["\0", "\x7f", "'; DROP TABLE point; --", "x" * 5_000, '{a="\\u0000"}', "1e400", "NaN"]
    odd += [
        '{__name__=~".*"}',
        '{__name__=~"(a+)+b"}',
        "x[9999999d]",
        "x @ 1e300",
        "x offset -290y",
    ]
    times = ["1e15", "-1e12", "9007199254740", "253402300800", "0", "-1"]
    for text in odd:
        for path in ("/query", "/format_query", "/series", "/labels"):
            answer = ask(inside, f"{API}{path}?{urlencode({'query': text, 'match[]': text})}")
            assert answer.status_code in {200, 400, 422}, (path, text, answer.text)
            json.loads(answer.content)
    for time in times:
        for query in (
            RAW,
            f"{RAW} offset 100y",
            f"sum_over_time({RAW}[200y])",
            "t_sum",
            "t_average[5m]",
        ):
            answer = ask(inside, f"{API}/query?{urlencode({'query': query, 'time': time})}")
            assert answer.status_code in {200, 400, 422}, (query, time, answer.text)
        for name in ("start", "end"):
            answer = ask(inside, f"{API}/labels?{urlencode({name: time})}")
            assert answer.status_code in {200, 400}, (name, time, answer.text)
