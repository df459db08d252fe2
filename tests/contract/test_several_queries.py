"""Several queries in one request: each as it is answered alone, as many as there is time for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.promql.limits import Limits
from tests.fixtures.house import House, house
from tests.fixtures.rest import ask
from tests.fixtures.rollups import START_MS, capacity, deliver, rules
from tests.fixtures.ticking import Ticking

API = "/prometheus/api/v1"
START = START_MS // 1000
RAW = "aws_dynamodb_ConsumedReadCapacityUnits_sum"
RANGE = {"start": START + 60, "end": START + 600, "step": 60}
AT = {"time": START + 600}
TEXTS = (
    RAW,
    f'{RAW}{{TableName="orders"}}',
    f"sum({RAW})",
    f"topk(1, {RAW})",
    f"sum_over_time({RAW}[5m]) / 300",
    "aws_dynamodb_consumed_read_capacity_units",
    "nothing_of_this_name",
    "vector(1)",
    "1 +",
    f"{RAW}[5m]",
    '"text"',
    f"{RAW} + on () {RAW}",
)
PLACES = st.sampled_from([AT, RANGE, {**RANGE, "step": 0}, {**RANGE, "end": START}])
ASKED = st.builds(lambda text, place: {"query": text, **place}, st.sampled_from(TEXTS), PLACES)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def inside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    database = f"sqlite:///{tmp_path_factory.mktemp('several') / 'hydrant.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        server.create_database("several_queries")
        database = server.url("several_queries")
    with house(database, rules()) as made:
        points = [
            capacity(minute, 100.0 * number + minute, table=table)
            for number, table in enumerate(("orders", "users"))
            for minute in range(10)
        ]
        deliver(made, *points, request_id="1")
        yield made


def several_of(inside: House, *queries: object, limits: Limits | None = None) -> httpx.Response:
    body = json.dumps({"queries": queries}).encode()
    json_type = {"Content-Type": "application/json"}
    return ask(inside, f"{API}/queries", body=body, headers=json_type, limits=limits)


def answers(inside: House, *queries: object) -> list[Any]:
    answer = several_of(inside, *queries)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["status"] == "success"
    found: list[Any] = content["data"]
    return found


@settings(max_examples=25)
@given(st.lists(ASKED, min_size=1, max_size=6))
def test_each_is_answered_as_if_it_were_asked_alone(
    inside: House, asked: list[dict[str, Any]]
) -> None:
    alone = []
    for each in asked:
        form = {name: str(value) for name, value in each.items()}
        path = "query" if "time" in each else "query_range"
        alone.append(ask(inside, f"{API}/{path}", form=form).json())
    assert answers(inside, *asked) == alone


def test_one_that_is_wrong_leaves_the_others_alone(inside: House) -> None:
    good = {"query": "vector(1)", **AT}
    first, wrong, last = answers(inside, good, {"query": "sum(", **AT}, good)
    assert first == last
    assert first["data"]["result"][0]["value"] == [START + 600, "1"]
    assert (wrong["status"], wrong["errorType"]) == ("error", "bad_data")
    assert 'invalid parameter "query"' in wrong["error"]


def test_one_that_finds_too_much_leaves_the_others_alone(inside: House) -> None:
    queries = ({"query": RAW, **RANGE}, {"query": "vector(1)", **AT})
    found = several_of(inside, *queries, limits=replace(Limits(), max_samples=12)).json()["data"]
    assert [each["status"] for each in found] == ["error", "success"]
    assert found[0]["errorType"] == "execution"


def test_what_there_is_no_room_for_is_left_out(inside: House) -> None:
    steps = {"start": START - 10_400, "end": START + 600, "step": 1}
    found = answers(inside, *[{"query": f"{RAW} or {RAW} offset 1d", **steps}] * 100)
    values = 2 * 11_001
    assert all(each["status"] == "success" for each in found)
    assert (len(found) - 1) * values <= 2_000_000 < len(found) * values


def test_what_there_is_no_time_for_is_left_out(inside: House) -> None:
    slow = replace(inside, clock=Ticking(step=2.0))
    queries = [{"query": RAW, **RANGE}] * 3
    assert [each["status"] for each in answers(slow, *queries)] == ["success"]


def test_the_first_one_that_takes_too_long_says_so(inside: House) -> None:
    limits = replace(Limits(), timeout_seconds=0.5)
    slow = {"query": "+".join(["vector(1)"] * 100), **AT}
    good = {"query": "vector(1)", **AT}
    ticking = replace(inside, clock=Ticking(step=0.01))
    found = several_of(ticking, slow, good, limits=limits).json()["data"]
    assert [each["errorType"] for each in found] == ["timeout"]
    # Another is left to be asked for again, when it has all of the time.
    ticking = replace(inside, clock=Ticking(step=0.01))
    found = several_of(ticking, good, slow, limits=limits).json()["data"]
    assert [each["status"] for each in found] == ["success"]


@pytest.mark.parametrize(
    ("queries", "said"),
    [
        ([], "there are 0; 1 to 100 may be"),
        ([{"query": "1", **AT}] * 101, "there are 101; 1 to 100 may be"),
        ([{"query": "1", **AT}, {"query": "1"}], 'parameter "queries[1]": either time, or all'),
        ([{"query": "1", **AT, "step": 60}], "either time, or all of start, end and step"),
        ([{"query": "1", "start": START, "end": START}], "either time, or all of start"),
        ([{"query": "1", "time": 1e300}], "`$.queries[0].time`"),
        ([{"query": "1", "time": "now"}], "`$.queries[0].time`"),
        ([{"query": "1", "at": 1}], "unknown field `at`"),
        ([{"time": 1}], "missing required field `query`"),
    ],
)
def test_what_cannot_be_a_question_is_refused(
    inside: House, queries: list[object], said: str
) -> None:
    answer = several_of(inside, *queries)
    assert answer.status_code == 400
    content = answer.json()
    assert (content["status"], content["errorType"]) == ("error", "bad_data")
    assert said in content["error"]


def test_other_bodies_are_refused(inside: House) -> None:
    answer = ask(inside, f"{API}/queries", form={"query": "1"})
    assert answer.status_code == 415
    assert "a body of type application/json is expected" in answer.json()["error"]
    assert ask(inside, f"{API}/queries").status_code == 405
