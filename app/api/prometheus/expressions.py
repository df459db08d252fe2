"""``format_query`` and ``parse_query``: expressions as text, without data."""

from collections.abc import Callable

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from app.api.json import json_response
from app.api.prometheus.arguments import read_arguments
from app.api.prometheus.described import QUERY, add_route
from app.api.prometheus.running import QueryRunner
from app.api.prometheus.tree import tree_content
from app.errors import InvalidParameter, QueryFailed, QuerySyntaxError
from app.promql.ast import Expression
from app.promql.parsing import format_expression, parse


def add_expression_routes(router: APIRouter, runner: QueryRunner) -> None:
    """The routes for query builders."""

    async def format_query(request: Request) -> Response:
        async with runner.counted("format_query"):
            return await told(request, format_expression)

    async def parse_query(request: Request) -> Response:
        async with runner.counted("parse_query"):
            return await told(request, tree_content)

    async def told(request: Request, tell: Callable[[Expression], object]) -> Response:
        text = (await read_arguments(request)).text("query")

        def answered() -> Response:
            return json_response({"status": "success", "data": tell(parsed("query", text))})

        try:
            return await to_thread.run_sync(answered)
        except (TypeError, RecursionError) as error:
            # JSON is written to a depth that the tree of a short expression may exceed.
            raise QueryFailed("the expression is nested too deeply to be told as a tree") from error

    add_route(
        router, "/format_query", format_query, "An expression, printed", (QUERY,), posted=True
    )
    add_route(router, "/parse_query", parse_query, "An expression as a tree", (QUERY,), posted=True)


def parsed(parameter: str, text: str) -> Expression:
    """The tree of a parameter's expression. Raises ``InvalidParameter``."""
    try:
        return parse(text)
    except QuerySyntaxError as error:
        raise InvalidParameter(parameter, error.message) from error
