"""``GET /explore``: expressions as a chart and a table, with a browser of series beside them."""

import re
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.errors import InvalidParameter, QuerySyntaxError
from app.promql.parsing import parse
from app.web.explore.browsing import read_metric_series, read_metrics
from app.web.explore.vocabulary import FUNCTIONS
from app.web.web import Web

MOST_EXPRESSIONS = 8
_MOST_CHARACTERS = 10_000
_PLACEHOLDER = re.compile(r"\$__(?:interval|range)\b")
_EXAMPLES = (
    (
        "The ten tables that read most",
        "topk(10, aws_dynamodb_endpoint_consumed_read_capacity_units / 60)",
    ),
    (
        "Throttled reads of each table in the range of the page",
        "sum_over_time(aws_dynamodb_endpoint_read_throttle_events[$__range]) > 0",
    ),
    (
        "Average latency of each operation, over all tables",
        (
            "sum by (Operation) (aws_dynamodb_SuccessfulRequestLatency_sum)"
            " / sum by (Operation) (aws_dynamodb_SuccessfulRequestLatency_samplecount)"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An expression and what is wrong with it; an empty text where it can be asked."""

    expression: str
    fault: str


def add_explore(router: APIRouter, web: Web) -> None:
    """Add the page and its browser of series."""

    @router.get("/explore")
    def show_explore(request: Request) -> Response:
        asked = [checked(text) for text in _expressions(request)]
        return web.page(
            request,
            "explore/page.html",
            asked=asked or [Asked("", "")],
            chart=_chart([each.expression for each in asked if not each.fault]),
            examples=_EXAMPLES,
            functions=FUNCTIONS,
        )

    @router.get("/explore/series")
    def show_series(request: Request) -> Response:
        given = request.query_params
        namespace, metric = given.get("namespace"), given.get("metric")
        search = given.get("search", "").strip()
        with web.context.store.read() as connection:
            if namespace is not None and metric is not None:
                found = read_metric_series(connection, namespace, metric, search)
                return web.fragment(request, "explore/series.html", found=found, search=search)
            namespaces = read_metrics(connection, search)
        return web.fragment(request, "explore/metrics.html", namespaces=namespaces, search=search)


def checked(expression: str) -> Asked:
    """The expression with what its parser says of it."""
    # Modules put durations in their places; how long they are does not matter here.
    text = _PLACEHOLDER.sub("60s", expression)
    try:
        parse(text)
    except QuerySyntaxError as error:
        return Asked(expression, error.message)
    return Asked(expression, "")


def _expressions(request: Request) -> list[str]:
    texts = [text for given in request.query_params.getlist("q") if (text := given.strip())]
    if len(texts) > MOST_EXPRESSIONS:
        raise InvalidParameter("q", f"at most {MOST_EXPRESSIONS} expressions are shown at once")
    if any(len(text) > _MOST_CHARACTERS for text in texts):
        raise InvalidParameter("q", f"an expression has at most {_MOST_CHARACTERS} characters")
    return texts


def _chart(expressions: list[str]) -> dict[str, object] | None:
    if not expressions:
        return None
    return {
        "title": "Result",
        "description": "",
        "unit": "none",
        "type": "line",
        "stacked": False,
        "queries": [
            {"expression": expression, "legend": "", "instant": False} for expression in expressions
        ],
        "thresholds": [],
        "minimum": 0,
        "maximum": None,
        "empty": "The expressions give no series in this range.",
    }
