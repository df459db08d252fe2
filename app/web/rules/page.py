"""``GET /rules`` and ``/rules/{metric}``: files with their state, metrics and what defines them."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from app.catalog import load_statistic_catalog
from app.errors import RuleError
from app.query import unknown_metric
from app.rules import FileStatus, MetricDefinition
from app.rules.suspicions import suspicions
from app.web.web import Web

MOST_SHOWN = 300


def add_rules(router: APIRouter, web: Web) -> None:
    """Add the pages."""
    context = web.context

    def doubts() -> list[RuleError]:
        return suspicions(context.files(), load_statistic_catalog())

    @router.get("/rules")
    def show_rules(request: Request) -> Response:
        search = request.query_params.get("q", "").strip()
        found = [
            _metric(each)
            for each in sorted(context.definitions.values(), key=lambda each: each.name)
            if search.casefold() in f"{each.name} {each.description}".casefold()
        ]
        return web.page(
            request,
            "rules/page.html",
            search=search,
            files=[_file(each) for each in context.rules.files],
            metrics=found[:MOST_SHOWN],
            found=len(found),
            total=len(context.definitions),
            suspicions=[str(each) for each in doubts()],
            alarm_faults=context.alarm_faults(),
            faults=context.dashboards.current().faults,
        )

    @router.get("/rules/{metric}")
    def show_metric(request: Request, metric: str) -> Response:
        definition = context.definitions.get(metric)
        if definition is None:
            raise unknown_metric(metric, context.definitions.keys())
        places = {
            (file.path, rule.line): rule.text
            for file in context.files()
            for rule in file.rules
            if rule.name == metric
        }
        return web.page(
            request,
            "rules/metric.html",
            metric=_metric(definition),
            rules={f"{file}:{line}": text for (file, line), text in places.items()},
            families=definition.families,
            suspicions=[str(each) for each in doubts() if (each.file, each.line) in places],
        )


def _file(status: FileStatus) -> Mapping[str, object]:
    version = status.version
    return {
        "path": status.path,
        "state": "critical" if status.error else "good",
        "words": "Broken" if status.error else "In force",
        "error": str(status.error) if status.error else None,
        "loaded_ms": version.loaded_ms if version else None,
        "rules": len(version.file.rules) if version else 0,
    }


def _metric(definition: MetricDefinition) -> Mapping[str, object]:
    return {
        "name": definition.name,
        "description": definition.description,
        "unit": definition.unit,
        "scope": definition.scope.value,
        "layer": definition.layer,
        "combine": definition.combine.value,
        "place": definition.place,
        "percentiles": definition.percentiles,
    }
