"""``GET /explain``: the rule, its steps, the series and their points behind a metric's value."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.api.explained import answer_content
from app.catalog import load_statistic_catalog
from app.clock import MILLISECONDS_PER_MINUTE
from app.query import Question, explain_metric, parse_time_ms
from app.rules import Wanted
from app.web.explain.raw import statistics_query
from app.web.formatting import iso
from app.web.web import Web

_PARTS = (
    "service",
    "endpoint",
    "region",
    "instance",
    "process",
    "dest_service",
    "dest_instance",
    "dest_process",
)
_MOST_VALUES = 50


def add_explain(router: APIRouter, web: Web) -> None:
    """Add the page."""

    @router.get("/explain")
    def show_explanation(request: Request) -> Response:
        given = {name: text for name, text in request.query_params.items() if text}
        metric, time = given.get("metric", "").strip(), given.get("time")
        at_ms = None if time is None else parse_time_ms("time", time)
        parts = {name: given.get(name) for name in _PARTS}
        # Charts hand on all labels of a series; those of no entity narrow the values shown.
        labels = {
            name: text
            for name, text in given.items()
            if name not in {*_PARTS, "metric", "time", "from", "to", "layer", "account"}
        }
        asked = {
            "metric": metric,
            "time": "" if at_ms is None else iso(at_ms),
            **{n: v or "" for n, v in parts.items()},
        }
        if not metric:
            return web.page(request, "explain/page.html", asked=asked, answer=None, labels={})
        context = web.context
        with context.store.read() as connection:
            if metric not in context.definitions:
                query = statistics_query(connection, metric, given, at_ms)
                if query is not None:
                    address = f"/explore/statistics?{urlencode(query)}"
                    return RedirectResponse(address, status_code=303)
            question = Question(
                metric,
                Wanted(**parts),
                None if at_ms is None else at_ms // MILLISECONDS_PER_MINUTE,
                1_000,
                context.query_max_points,
            )
            answer = answer_content(
                explain_metric(connection, context.files(), load_statistic_catalog(), question)
            )
        values = [
            value
            for value in answer["values"]
            if all(value["labels"].get(name) == text for name, text in labels.items())
        ]
        answer["values"] = (values or answer["values"])[:_MOST_VALUES]
        return web.page(
            request,
            "explain/page.html",
            asked=asked,
            answer=answer,
            labels=labels,
            rest=[(name, text) for name, text in parts.items() if text],
        )
