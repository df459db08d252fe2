"""``GET dashboard_queries``: what the charts of a dashboard ask, and the answers.

It is not of Prometheus. A page names this address in its head, so that a browser asks while it is
still loading what draws the answers.
"""

from collections.abc import Iterator, Mapping

import orjson
from fastapi import APIRouter, Request, Response

from app.api.context import ApiContext
from app.api.prometheus.arguments import Arguments, read_arguments
from app.api.prometheus.described import add_route
from app.api.prometheus.running import QueryRunner, Turn
from app.api.prometheus.several import MOST_QUERIES, AskedQuery, evaluated
from app.clock import LAST_MS
from app.dashboards import Question, questions_of
from app.errors import InvalidParameter, QueryTimeout

VARIABLE_PREFIX = "var-"
"""Before the name of a variable in a URL, as Grafana has it."""

LONGEST_SECONDS = 2.0
"""For so long a page waits for these answers before its charts ask one after the other."""


def add_dashboard_queries(router: APIRouter, context: ApiContext, runner: QueryRunner) -> None:
    """The route of a dashboard's answers."""

    async def dashboard_queries(request: Request) -> Response:
        async with runner.counted("dashboard_queries"):
            arguments = await read_arguments(request)
            start_ms, end_ms = _range(arguments)
            dashboard = context.dashboards.current().named(arguments.text("uid"))
            questions = questions_of(dashboard, _variables(arguments), start_ms, end_ms)
            timeout_seconds = min(context.query_limits.timeout_seconds, LONGEST_SECONDS)

            def work(turn: Turn) -> Iterator[bytes]:
                asked = questions[:MOST_QUERIES]
                queries = [AskedQuery(**question.content) for question in asked]
                try:
                    answers = evaluated(context, queries, turn)
                except QueryTimeout:
                    answers = []
                return _listed(asked, answers)

            return await runner.answer(request, "dashboard_queries", work, timeout_seconds)

    add_route(
        router,
        "/dashboard_queries",
        dashboard_queries,
        "What the charts of a dashboard ask, with the answers",
        (
            ("uid", "The dashboard's uid"),
            ("start", "Unix seconds or RFC 3339"),
            ("end", "Unix seconds or RFC 3339"),
            (f"{VARIABLE_PREFIX}NAME", "A value of the variable NAME; may be given several times"),
        ),
    )


def _range(arguments: Arguments) -> tuple[int, int]:
    start_ms, end_ms = arguments.time_ms("start"), arguments.time_ms("end")
    if not 0 <= start_ms < end_ms <= LAST_MS:
        raise InvalidParameter("end", "the end must be after the start, and both after 1970")
    return start_ms, end_ms


def _variables(arguments: Arguments) -> Mapping[str, list[str]]:
    return {
        name.removeprefix(VARIABLE_PREFIX): [text for text in arguments.all(name) if text]
        for name in arguments.names
        if name.startswith(VARIABLE_PREFIX)
    }


def _listed(asked: list[Question], answers: list[Iterator[bytes]]) -> Iterator[bytes]:
    yield b'{"status":"success","data":['
    separator = b""
    for question, answer in zip(asked, answers, strict=False):
        yield b'%b{"asked":%b,"answer":' % (separator, orjson.dumps(question.content))
        yield from answer
        yield b"}"
        separator = b","
    yield b"]}"
