"""What loads as an alarm rule but is probably not meant."""

from collections.abc import Collection, Iterator, Sequence

from app.alarms.expressions import is_filter
from app.alarms.rules import AlarmRule, ExpressionSource, MetricSource
from app.catalog import StatisticCatalog
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import AlarmRuleError, similar
from app.promql.parsing import parse
from app.query.statistics import STANDARD_STATISTICS


def suspicions(
    rules: Sequence[AlarmRule],
    catalog: StatisticCatalog,
    channels: Collection[str] | None = None,
) -> list[AlarmRuleError]:
    """Warnings about rules, in the form of errors at the rules' places.

    ``channels`` are the names of those that there are, None if that is not known.
    """
    return [
        AlarmRuleError(f"{rule.name}: {doubt}", file=file, line=int(line))
        for rule in rules
        for file, _, line in [rule.place.rpartition(":")]
        for doubt in (*_doubts(rule, catalog), *_unknown_channels(rule, channels))
    ]


def _doubts(rule: AlarmRule, catalog: StatisticCatalog) -> Iterator[str]:
    match rule.source:
        case MetricSource(namespace, name, statistic):
            yield from _unknown(namespace, name, catalog)
            coarse = rule.condition.period_ms > MILLISECONDS_PER_MINUTE
            if coarse and statistic not in STANDARD_STATISTICS:
                yield (
                    f"{statistic} of several minutes cannot be made of that of each; a period has a"
                    " datapoint only if a single point falls into it"
                )
        case ExpressionSource(expression):
            if is_filter(parse(expression)):
                yield (
                    "the expression ends in a comparison, so it has no datapoint where that does"
                    " not hold; compare with threshold, or write bool"
                )
    for patterns in [rule.include, rule.exclude, *(each.match for each in rule.overrides)]:
        for label, texts in patterns.patterns:
            for text in texts:
                if text != text.strip():
                    yield f"the pattern {text!r} of {label} has spaces around it"


def _unknown_channels(rule: AlarmRule, channels: Collection[str] | None) -> Iterator[str]:
    if channels is None:
        return
    for name in rule.channels:
        if name not in channels:
            hint = similar(name, sorted(channels), 1)
            yield f"the file of channels has no channel {name!r}{hint}"


def _unknown(namespace: str, name: str, catalog: StatisticCatalog) -> Iterator[str]:
    """A namespace or a metric that is like one that Hydrant knows, and is none."""
    namespaces = sorted({known for known, _ in catalog.natural if known})
    if namespace not in namespaces:
        if hint := similar(namespace, namespaces, 1):
            yield f"Hydrant knows no namespace {namespace}{hint}"
    elif (namespace, name) not in catalog.natural:
        metrics = [metric for known, metric in catalog.natural if known == namespace]
        yield f"Hydrant knows no metric {name} of {namespace}{similar(name, metrics, 1)}"
