"""Queries of widgets from YAML: PromQL, or references to metrics of CloudWatch."""

import re
from collections.abc import Mapping, Sequence

from app.alarms import rule_values as read
from app.alarms.expressions import possible_labels
from app.alarms.rule_values import Members
from app.catalog import load_statistic_catalog
from app.dashboards import keys
from app.dashboards.metric_reference import ADDING, Condition, MetricReference
from app.dashboards.model import Query, Variable
from app.dashboards.placeholders import DURATIONS, escaped, filled, uses
from app.errors import InvalidParameter, QuerySyntaxError, RuleError, similar
from app.promql.ast import Expression, ValueType, VectorSelector
from app.promql.parsing import parse, value_type
from app.query.statistics import check_statistics
from app.rules.documents import Item

_PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_DRAWN = frozenset({ValueType.INSTANT_VECTOR, ValueType.SCALAR})

Variables = Mapping[str, Variable]


def read_query(
    item: Item, variables: Variables, errors: list[RuleError], *, instant: bool
) -> Query:
    """Read a query of a widget; ``instant`` if it is asked once. Raises ``RuleError``."""
    members = Members(item, keys.names(keys.QUERY), errors)
    if "expression" in members:
        for key in ("metric", *keys.OF_METRIC):
            if other := members.get(key):
                raise other.fault(f"a query has either expression or {key}")
        expression = members.text("expression")
        tree = read_promql(members["expression"], variables)
    elif "metric" in members:
        expression = _reference(members, variables).promql(instant=instant)
        tree = parse(filled(expression))
    else:
        raise _without_question(members)
    return Query(expression.strip(), _legend(members, tree))


def read_promql(item: Item, variables: Variables) -> Expression:
    """Parse an expression with variables. Raises ``RuleError`` at the place inside it."""
    try:
        text = item.text()
    except RuleError as error:
        raise item.fault(
            f"{error.reason}; PromQL that begins with a brace stands in quotes: '{{…}}'"
        ) from None
    for use in uses(text):
        variable = variables.get(use.name)
        if variable is None:
            known = [*DURATIONS, *(f"${name}" for name in variables)]
            hint = similar(f"${use.name}", known, 1)
            raise item.fault_at(
                use.offset,
                f"there is no variable ${use.name}{hint}; there are {', '.join(known)}",
            )
        _check_use(item, use.offset, use.operator, variable)
    try:
        tree = parse(filled(text))
    except QuerySyntaxError as error:
        raise _placed(item, text, error) from error
    kind = value_type(tree)
    if kind not in _DRAWN:
        raise item.fault(
            f"the expression is a {kind}, and a widget needs a value at each time: an instant"
            " vector or a scalar"
        )
    return tree


def read_selector(item: Item, variables: Variables) -> str:
    """The series that a variable's values come from. Raises ``RuleError``."""
    tree = read_promql(item, variables)
    if not isinstance(tree, VectorSelector):
        raise item.fault('a selector of series is expected, such as requests{account=~"$account"}')
    return item.text().strip()


def _without_question(members: Members) -> RuleError:
    """What is wrong with a query that asks nothing: a key that is misspelt, or none at all."""
    missing = members.item.fault("expression is missing, or metric")
    for key in ("expression", "metric"):
        try:
            members[key]
        except RuleError as error:
            if error.reason != f"{key} is missing":
                return error
    return missing


def _check_use(item: Item, offset: int, operator: str, variable: Variable) -> None:
    name = f"${variable.name}"
    if not operator:
        raise item.fault_at(
            offset, f'{name} stands inside the text of a matcher alone, such as {{label=~"{name}"}}'
        )
    if variable.multiple and operator in {"=", "!="}:
        raise item.fault_at(
            offset,
            f"{name} may have several values: compare with {'=~' if operator == '=' else '!~'}, or"
            " give the variable multiple: false",
        )
    if not variable.multiple and operator in {"=~", "!~"}:
        raise item.fault_at(
            offset, f"{name} has one value, which is no regular expression: compare with = or !="
        )


def _placed(item: Item, text: str, error: QuerySyntaxError) -> RuleError:
    if not error.line:
        return item.fault(f"not PromQL: {error.reason}")
    before = sum(len(line) + 1 for line in text.split("\n")[: error.line - 1])
    return item.fault_at(before + error.column - 1, f"not PromQL: {error.reason}")


def _reference(members: Members, variables: Variables) -> MetricReference:
    metric = members["metric"]
    namespace, _, name = metric.text().rpartition("/")
    if not (namespace and name):
        raise metric.fault(
            "a namespace and a name are expected, such as AWS/DynamoDB/ConsumedReadCapacityUnits"
        )
    statistic = members.text("statistic")
    if not statistic:
        statistic = load_statistic_catalog().natural_statistic(namespace, name).value
    try:
        check_statistics([statistic])
    except InvalidParameter as error:
        raise members["statistic"].fault(error.reason) from None
    per_second = members.get("per_second")
    is_rate = per_second is not None and read.boolean(per_second)
    if per_second and is_rate and statistic not in ADDING:
        raise per_second.fault(f"{' and '.join(ADDING)} can be taken per second, {statistic} not")
    by = members.get("by")
    return MetricReference(
        namespace,
        name,
        statistic,
        _conditions(members.get("dimensions"), variables),
        read.texts(by, "dimension") if by else (),
        is_rate,
    )


def _conditions(item: Item | None, variables: Variables) -> tuple[Condition, ...]:
    if item is None:
        return ()
    members = item.mapping()
    if "" in members:
        raise item.fault("the name of a dimension is empty")
    return tuple(_condition(name, value, variables) for name, value in members.items())


def _condition(name: str, value: Item, variables: Variables) -> Condition:
    if value.is_list:
        texts = read.texts(value, "value")
        if not texts:
            raise value.fault("a list of values is empty, so nothing could match it")
        for entry in value.items():
            for match in _VARIABLE.finditer(entry.text()):
                raise entry.fault_at(match.start(), "a variable stands alone, not in a list")
        return Condition(name, "=~", "|".join(map(escaped, texts)))
    text = value.text()
    chosen = list(_VARIABLE.finditer(text))
    for match in chosen:
        if match[1] not in variables:
            known = [f"${each}" for each in variables]
            raise value.fault_at(match.start(), read.unknown("variable", match[0], known))
    if not any(variables[match[1]].multiple for match in chosen):
        return Condition(name, "=", text)
    for match in chosen:
        if not variables[match[1]].multiple:
            raise value.fault_at(
                match.start(), "variables of one value and of several do not go together"
            )
    return Condition(name, "=~", _as_pattern(text, [match.span() for match in chosen]))


def _as_pattern(text: str, variables: Sequence[tuple[int, int]]) -> str:
    """A text as a regular expression that leaves the variables in it as they are."""
    parts: list[str] = []
    end = 0
    for start, stop in variables:
        parts += (escaped(text[end:start]), text[start:stop])
        end = stop
    return "".join([*parts, escaped(text[end:])])


def _legend(members: Members, tree: Expression) -> str:
    item = members.get("legend")
    if item is None:
        return ""
    text = item.text()
    rest = _PLACEHOLDER.sub(lambda match: " " * len(match[0]), text)
    for sign in ("{{", "}}"):
        if sign in rest:
            raise item.fault_at(
                rest.index(sign), f"{sign} in a legend surrounds the name of a label: {{{{label}}}}"
            )
    labels = possible_labels(tree)
    for match in _PLACEHOLDER.finditer(text):
        if labels is not None and match[1] not in labels:
            reason = (
                read.unknown("label", match[1], sorted(labels))
                if labels
                else (f"the result has no label {match[1]}, nor any other")
            )
            raise item.fault_at(match.start(), reason)
    return text
