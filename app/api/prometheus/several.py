"""``POST queries``: several expressions in one transaction, for pages of charts.

It is not of Prometheus. A page asks some dozen short questions about one table; opening the
database for each of them costs more than answering it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
import orjson
from fastapi import APIRouter, Request, Response

from app.api.alarms.schemas import body
from app.api.context import ApiContext
from app.api.errors import prometheus_refusal
from app.api.json_body import read_json
from app.api.prometheus.arguments import EARLIEST_MS, LARGEST_FORM_BYTES, LATEST_MS
from app.api.prometheus.encoding import answer_data, envelope
from app.api.prometheus.running import QueryRunner, Turn
from app.api.schemas import Schema
from app.errors import (
    InvalidParameter,
    InvalidQueryType,
    QueryCanceled,
    QuerySyntaxError,
    QueryTimeout,
    UserError,
)
from app.promql.answer import Answer
from app.promql.engine import Engine
from app.promql.reader import Reader

PATIENCE_SECONDS = 1.0
"""After so long no further query is begun: a slow one would hold up those that come after it."""

MOST_QUERIES = 100
_MOST_VALUES = 2_000_000
"""Once the answers have so many, they are sent, and the rest is left to be asked for again."""

_Seconds = Annotated[float, msgspec.Meta(ge=EARLIEST_MS / 1000, le=LATEST_MS / 1000)]


class AskedQuery(msgspec.Struct, forbid_unknown_fields=True):
    """One query: with ``time`` as ``query`` answers it, or with a range as ``query_range`` does."""

    query: str
    time: _Seconds | None = None
    start: _Seconds | None = None
    end: _Seconds | None = None
    step: _Seconds | None = None


class AskedQueries(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request."""

    queries: list[AskedQuery]


_NUMBER: Schema = {"type": "number", "description": "Unix seconds"}
_BODY: Schema = {
    "type": "object",
    "required": ["queries"],
    "additionalProperties": False,
    "properties": {
        "queries": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_QUERIES,
            "items": {
                "type": "object",
                "required": ["query"],
                "additionalProperties": False,
                "properties": {
                    "query": {"type": "string", "description": "PromQL expression"},
                    "time": _NUMBER,
                    "start": _NUMBER,
                    "end": _NUMBER,
                    "step": {"type": "number", "description": "Seconds"},
                },
            },
        }
    },
    "example": {
        "queries": [
            {"query": "vector(1)", "time": 1769860860},
            {"query": "vector(1)", "start": 1769860800, "end": 1769864400, "step": 60},
        ]
    },
}


def add_several_queries(router: APIRouter, context: ApiContext, runner: QueryRunner) -> None:
    """The route that evaluates several expressions."""

    async def queries(request: Request) -> Response:
        async with runner.counted("queries"):
            asked = (await read_json(request, AskedQueries, LARGEST_FORM_BYTES)).queries
            _check(asked)

            def work(turn: Turn) -> Iterator[bytes]:
                try:
                    return _listed(evaluated(context, asked, turn))
                except QueryTimeout as error:
                    return _listed([_refused(error)])

            return await runner.answer(
                request, "queries", work, context.query_limits.timeout_seconds
            )

    router.add_api_route(
        "/queries",
        queries,
        methods=["POST"],
        summary="Several expressions in one transaction",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}},
        openapi_extra=body(_BODY),
    )


def _check(asked: Sequence[AskedQuery]) -> None:
    if not 0 < len(asked) <= MOST_QUERIES:
        raise InvalidParameter("queries", f"there are {len(asked)}; 1 to {MOST_QUERIES} may be")
    for place, each in enumerate(asked):
        of_range = sum(given is not None for given in (each.start, each.end, each.step))
        if of_range != (3 if each.time is None else 0):
            raise InvalidParameter(
                f"queries[{place}]", "either time, or all of start, end and step are given"
            )


def evaluated(
    context: ApiContext, asked: Sequence[AskedQuery], turn: Turn
) -> list[Iterator[bytes]]:
    """The answers to the first queries, or to all of them; at least one.

    Raises ``QueryTimeout`` when there was no time for the first one.
    """
    answers: list[Iterator[bytes]] = []
    begin, values = turn.clock.monotonic(), 0
    with context.prometheus.open(turn.deadline) as opened:
        for each in asked:
            is_long = turn.clock.monotonic() - begin > PATIENCE_SECONDS
            if answers and (is_long or values > _MOST_VALUES):
                break
            try:
                answer = _answer(context, each, opened.reader, turn)
            except QueryCanceled:
                raise
            except QueryTimeout:
                if not answers:
                    raise
                # It gets all of the time when it is asked for again.
                break
            except UserError as error:
                answers.append(_refused(error))
                continue
            values += _size(answer)
            data = answer_data(answer, ranged=each.time is None)
            answers.append(envelope(data, answer.warnings, answer.infos))
    return answers


def _answer(context: ApiContext, asked: AskedQuery, reader: Reader, turn: Turn) -> Answer:
    limits = replace(context.query_limits, timeout_seconds=turn.deadline.left_seconds)
    engine = Engine(limits, turn.clock)
    try:
        if asked.time is not None:
            return engine.instant(asked.query, _milliseconds(asked.time), reader)
        given = (asked.start or 0, asked.end or 0, asked.step or 0)
        start_ms, end_ms, step_ms = map(_milliseconds, given)
        return engine.range(asked.query, start_ms, end_ms, step_ms, reader)
    except (QuerySyntaxError, InvalidQueryType) as error:
        raise InvalidParameter("query", error.message) from error


def _refused(error: UserError) -> Iterator[bytes]:
    return iter((orjson.dumps(prometheus_refusal(error)),))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _size(answer: Answer) -> int:
    """How many values are to be written."""
    if answer.vector is not None:
        return answer.vector.values.size
    return sum(part.values.size for part in answer.samples or ())


def _listed(answers: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    yield b'{"status":"success","data":['
    for place, answer in enumerate(answers):
        if place:
            yield b","
        yield from answer
    yield b"]}"
