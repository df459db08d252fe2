"""The choices at the top of a dashboard: what can be chosen, and what the URL chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from app.api.prometheus.dashboard_queries import VARIABLE_PREFIX
from app.dashboards import Dashboard, Variable, choices_of
from app.promql.ast import Matcher, VectorSelector
from app.promql.parsing import parse
from app.query.prometheus import PrometheusCatalog
from app.web.time_range import PageRange

MOST_CHOICES = 3_000


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable with what there is to choose and what is chosen; none chosen means all.

    ``left_out`` counts values that are not offered because there are too many.
    """

    variable: Variable
    values: Sequence[str]
    chosen: tuple[str, ...]
    left_out: int


def parameter_of(variable: Variable) -> str:
    """The parameter of the URL that chooses a variable's values, as Grafana names it."""
    return f"{VARIABLE_PREFIX}{variable.name}"


def choices_of_page(
    dashboard: Dashboard, catalog: PrometheusCatalog, request: Request, shown: PageRange
) -> list[Choice]:
    """The choices of a dashboard's variables, each with what was chosen of those before it.

    A value that the URL chooses is chosen even if there are no series of it in the range: links
    keep their meaning. A variable with a single value has the first one where the URL has none.
    """
    found: list[Choice] = []
    for variable in dashboard.variables:
        before = {each.variable.name: each.chosen for each in found}
        source = choices_of(variable, before)
        values = catalog.label_values(
            source.label, [_matchers(source.selector)], shown.start_ms, shown.end_ms
        )
        given = tuple(text for text in request.query_params.getlist(parameter_of(variable)) if text)
        if not variable.multiple:
            given = given[:1] or tuple(values[:1])
        offered = values[:MOST_CHOICES]
        found.append(
            Choice(
                variable,
                sorted({*offered, *given}),
                given,
                len(values) - len(offered),
            )
        )
    return found


def _matchers(selector: str) -> Sequence[Matcher]:
    expression = parse(selector)
    if not isinstance(expression, VectorSelector):
        # The reading of dashboards has refused everything else.
        raise TypeError(selector)
    return expression.matchers
