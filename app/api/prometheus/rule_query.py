"""Alarm rules as PromQL: what an alerting rule of Prometheus would ask."""

from app.alarms.numbers import number_text
from app.alarms.reasons import duration_text
from app.alarms.rules import AlarmRule, ExpressionSource, MetricSource
from app.clock import MILLISECONDS_PER_MINUTE
from app.labels import LabelSet
from app.promql.parsing.quoting import quoted
from app.query.prometheus.families import cloudwatch_base
from app.query.prometheus.naming import classic_labels, statistic_suffix
from app.query.statistics import AVERAGE, MAXIMUM, MINIMUM, SAMPLE_COUNT, SUM

_OVER_TIME = {SUM: "sum", SAMPLE_COUNT: "sum", MINIMUM: "min", MAXIMUM: "max"}
_QUARANTINED = "quarantined_records"


def rule_query(rule: AlarmRule) -> str:
    """The rule's source compared with its threshold.

    Of a metric it names series with the dimensions of the rule and maybe further ones. What the
    quarantine holds is no series; a name stands for it.
    """
    condition = rule.condition
    match rule.source:
        case ExpressionSource(expression):
            source = f"({expression.strip()})"
        case MetricSource():
            source = _metric(rule.source, rule.for_each, condition.period_ms)
        case _:
            source = _QUARANTINED
    return f"{source} {condition.comparison} {number_text(condition.threshold)}"


def entity_query(rule: AlarmRule, entity: LabelSet) -> str | None:
    """The rule's source for one of its entities; None for what the quarantine holds."""
    match rule.source:
        case ExpressionSource(expression):
            one = "vector(1)"
            for name, value in entity:
                replacement = quoted(value.replace("$", "$$"))
                one = f'label_replace({one}, {quoted(name)}, {replacement}, "", "")'
            names = ", ".join(name for name, _ in entity)
            return f"({expression.strip()}) and on ({names}) {one}"
        case MetricSource():
            return _metric(rule.source, rule.for_each, rule.condition.period_ms, entity)
        case _:
            return None


def _metric(
    source: MetricSource, for_each: tuple[str, ...], period_ms: int, entity: LabelSet = ()
) -> str:
    base = cloudwatch_base(source.namespace, source.name)
    names = [*for_each, *(name for name, _ in source.dimensions)]
    label_of = {
        name: label for label, name in classic_labels((each, each) for each in names).items()
    }
    if entity:
        conditions = [f"{label}={quoted(value)}" for label, value in entity]
    else:
        conditions = [f"{label_of[name]}={quoted(value)}" for name, value in source.dimensions]
        conditions += [f'{label_of[name]}!=""' for name in for_each]
    selected = f"{{{', '.join(conditions)}}}" if conditions else ""

    def series(statistic: str) -> str:
        return f"{base}_{statistic_suffix(statistic)}{selected}"

    if period_ms == MILLISECONDS_PER_MINUTE:
        return series(source.statistic)
    window = f"[{duration_text(period_ms)}]"
    if source.statistic == AVERAGE:
        total, count = (f"sum_over_time({series(each)}{window})" for each in (SUM, SAMPLE_COUNT))
        return f"{total} / {count}"
    function = f"{_OVER_TIME.get(source.statistic, 'last')}_over_time"
    return f"{function}({series(source.statistic)}{window})"
