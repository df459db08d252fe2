"""``query`` and ``query_range``: expressions evaluated."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from app.api.context import ApiContext
from app.api.prometheus.arguments import Arguments, read_arguments
from app.api.prometheus.described import (
    LIMIT,
    LOOKBACK,
    QUERY,
    STATS,
    TIMEOUT,
    add_route,
)
from app.api.prometheus.encoding import answer_data, envelope
from app.api.prometheus.limiting import limited
from app.api.prometheus.running import QueryRunner, Turn
from app.errors import InvalidParameter, InvalidQueryType, QuerySyntaxError
from app.promql.answer import Answer
from app.promql.engine import Engine
from app.promql.reader import Reader

_OPTIONS = (LIMIT, TIMEOUT, LOOKBACK, STATS)

Ask = Callable[[Engine, str, Reader], Answer]
"""Evaluates a query's text; the times are bound."""


def add_query_routes(router: APIRouter, context: ApiContext, runner: QueryRunner) -> None:
    """The routes that evaluate PromQL."""

    async def query(request: Request) -> Response:
        async with runner.counted("query"):
            arguments = await read_arguments(request)
            at_ms = arguments.time_ms("time", context.clock.now_ms())
            return await evaluated(
                request,
                "query",
                arguments,
                lambda engine, text, reader: engine.instant(text, at_ms, reader),
            )

    async def query_range(request: Request) -> Response:
        async with runner.counted("query_range"):
            arguments = await read_arguments(request)
            start_ms, end_ms = arguments.time_ms("start"), arguments.time_ms("end")
            step_ms = round(arguments.required_duration_seconds("step") * 1000)
            return await evaluated(
                request,
                "query_range",
                arguments,
                lambda engine, text, reader: engine.range(text, start_ms, end_ms, step_ms, reader),
            )

    async def evaluated(request: Request, route: str, arguments: Arguments, ask: Ask) -> Response:
        limits, limit = context.query_limits, arguments.limit()
        timeout_seconds = min(timeout_of(arguments), limits.timeout_seconds)
        lookback = arguments.duration_seconds("lookback_delta")
        if lookback is not None:
            if lookback <= 0:
                raise InvalidParameter("lookback_delta", "a lookback is longer than zero")
            limits = replace(limits, lookback_ms=round(lookback * 1000))
        text = arguments.text("query")

        def work(turn: Turn) -> Iterator[bytes]:
            deadline = turn.deadline
            engine = Engine(replace(limits, timeout_seconds=deadline.left_seconds), turn.clock)
            begin = turn.clock.monotonic()
            with context.prometheus.open(deadline) as opened:
                try:
                    answer = ask(engine, text, opened.reader)
                except (QuerySyntaxError, InvalidQueryType) as error:
                    raise InvalidParameter("query", error.message) from error
            seconds = turn.clock.monotonic() - begin
            answer = limited(answer, limit)
            stats = _stats(seconds, turn.waited_seconds) if arguments.text("stats") else None
            data = answer_data(answer, ranged=route == "query_range", stats=stats)
            return envelope(data, answer.warnings, answer.infos)

        return await runner.answer(request, route, work, timeout_seconds)

    def timeout_of(arguments: Arguments) -> float:
        seconds = arguments.duration_seconds("timeout")
        return context.query_limits.timeout_seconds if seconds is None else max(seconds, 0.0)

    add_route(
        router,
        "/query",
        query,
        "An expression at one time",
        (QUERY, ("time", "Unix seconds or RFC 3339; default: now"), *_OPTIONS),
        posted=True,
    )
    add_route(
        router,
        "/query_range",
        query_range,
        "An expression at each step of a time range",
        (
            QUERY,
            ("start", "Unix seconds or RFC 3339, the first step"),
            ("end", "Unix seconds or RFC 3339, inclusive"),
            ("step", "Duration such as 1m or 1h30m, or seconds"),
            *_OPTIONS,
        ),
        posted=True,
    )


def _stats(evaluation_seconds: float, waited_seconds: float) -> dict[str, object]:
    return {
        "timings": {
            "evalTotalTime": evaluation_seconds,
            "execQueueTime": waited_seconds,
            "execTotalTime": evaluation_seconds + waited_seconds,
        },
        "samples": {},
    }
