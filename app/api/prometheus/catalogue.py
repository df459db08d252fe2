"""``series``, ``labels``, ``label/…/values`` and ``metadata``: what there is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TypeVar

import orjson
from fastapi import APIRouter, Request, Response

from app.api.context import ApiContext
from app.api.prometheus.arguments import Arguments, read_arguments
from app.api.prometheus.described import END, LIMIT, MATCHES, START, add_route
from app.api.prometheus.encoding import envelope, series_data
from app.api.prometheus.expressions import parsed
from app.api.prometheus.label_names import unescaped
from app.api.prometheus.limiting import TRUNCATED
from app.api.prometheus.running import QueryRunner, Turn
from app.clock import LAST_MS
from app.errors import InvalidParameter, InvalidRequest, QueryFailed
from app.promql.ast import Matcher, VectorSelector
from app.query.prometheus import PrometheusCatalog

_MATCH = "match[]"
_RANGE = (START, END, MATCHES, LIMIT)

_Item = TypeVar("_Item")
Names = Callable[[PrometheusCatalog, "_Wanted"], list[str]]


class _Wanted:
    """The series that a request is about; its time is that of Prometheus, both ends included.

    Made on the query's thread: thousands of selectors take longer than the event loop can wait.
    """

    def __init__(self, arguments: Arguments) -> None:
        start_ms = arguments.time_ms("start", 0)
        end_ms = arguments.time_ms("end", LAST_MS)
        if end_ms < start_ms:
            raise InvalidParameter("end", "end timestamp must not be before start timestamp")
        # Nothing is stored beyond these; the catalogue leaves its start out.
        self.start_ms = min(max(start_ms, 0), LAST_MS) - 1
        self.end_ms = min(max(end_ms, 0), LAST_MS)
        self.matchers = [_matchers(text) for text in arguments.all(_MATCH)]
        self.limit = arguments.limit()


def add_catalogue_routes(router: APIRouter, context: ApiContext, runner: QueryRunner) -> None:
    """The routes that list series, labels and metrics."""
    timeout_seconds = context.query_limits.timeout_seconds

    async def series(request: Request) -> Response:
        async with runner.counted("series"):
            arguments = await read_arguments(request)
            if not arguments.all(_MATCH):
                raise InvalidRequest("no match[] parameter provided")

            def work(turn: Turn) -> Iterator[bytes]:
                wanted = _Wanted(arguments)
                with context.prometheus.open(turn.deadline) as opened:
                    found = opened.catalog.series(wanted.matchers, wanted.start_ms, wanted.end_ms)
                kept, warnings = _limited(found, wanted.limit)
                most = context.query_limits.max_series
                if len(kept) > most:
                    raise QueryFailed(
                        f"there are {len(kept)} such series, and at most {most} are told at once;"
                        " narrow match[], give a limit, or raise HYDRANT_QUERY_MAX_SERIES"
                    )
                return envelope(series_data(kept), warnings)

            return await runner.answer(request, "series", work, timeout_seconds)

    async def labels(request: Request) -> Response:
        async with runner.counted("labels"):
            return await told(
                request,
                "labels",
                lambda catalog, wanted: catalog.label_names(
                    wanted.matchers, wanted.start_ms, wanted.end_ms
                ),
            )

    async def label_values(request: Request) -> Response:
        async with runner.counted("label_values"):
            name = unescaped(request.path_params["name"])
            if not name:
                raise InvalidRequest('invalid label name: ""')
            return await told(
                request,
                "label_values",
                lambda catalog, wanted: catalog.label_values(
                    name, wanted.matchers, wanted.start_ms, wanted.end_ms
                ),
            )

    async def told(request: Request, route: str, names: Names) -> Response:
        arguments = await read_arguments(request)

        def work(turn: Turn) -> Iterator[bytes]:
            wanted = _Wanted(arguments)
            with context.prometheus.open(turn.deadline) as opened:
                found = names(opened.catalog, wanted)
            kept, warnings = _limited(found, wanted.limit)
            return envelope((orjson.dumps(kept),), warnings)

        return await runner.answer(request, route, work, timeout_seconds)

    async def metadata(request: Request) -> Response:
        async with runner.counted("metadata"):
            arguments = await read_arguments(request)
            limit, each = arguments.limit(), arguments.limit("limit_per_metric")
            name = arguments.text("metric") or None

            def work(turn: Turn) -> Iterator[bytes]:
                with context.prometheus.open(turn.deadline) as opened:
                    found = opened.catalog.metadata(name)
                kept = list(found.items())[: limit or None]
                content = {
                    metric: [asdict(item) for item in known[: each or None]]
                    for metric, known in kept
                }
                return envelope((orjson.dumps(content),))

            return await runner.answer(request, "metadata", work, timeout_seconds)

    add_route(router, "/series", series, "Label sets of series", _RANGE, posted=True)
    add_route(router, "/labels", labels, "Names of labels", _RANGE, posted=True)
    add_route(router, "/label/{name}/values", label_values, "Values of a label", _RANGE)
    add_route(
        router,
        "/metadata",
        metadata,
        "Type, unit and help of metrics",
        (
            ("metric", "Only of this one"),
            ("limit", "The most metrics that are told"),
            ("limit_per_metric", "The most that is told of a metric"),
        ),
    )


def _matchers(text: str) -> Sequence[Matcher]:
    """The matchers of a selector. Raises ``InvalidParameter``."""
    tree = parsed(_MATCH, text)
    if not isinstance(tree, VectorSelector) or tree.offset != 0 or tree.at is not None:
        raise InvalidParameter(
            _MATCH, 'a series selector is needed, such as up{job="x"}, without offset, @ or window'
        )
    return tree.matchers


def _limited(found: list[_Item], limit: int) -> tuple[list[_Item], list[str]]:
    return (found[:limit], [TRUNCATED]) if 0 < limit < len(found) else (found, [])
