"""Metadata of names: type, unit and help, as the HTTP API gives them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from app.query.prometheus.directory import Directory
from app.query.prometheus.families import Family, Form
from app.query.prometheus.metric_reader import Metric
from app.query.statistics import SAMPLE_COUNT


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a name; ``unit`` is spelt as its source spells it, empty if unknown."""

    type: Literal["gauge", "counter", "unknown"]
    unit: str
    help: str


def metric_metadata(metric: Metric) -> Metadata:
    """Of a rule's metric."""
    definition = metric.definition
    if definition is None:
        return Metadata("unknown", "", "A metric that no rule in force defines any more.")
    text = definition.description or f"A metric of the rule at {definition.place}."
    if metric.is_buckets:
        text = f"Observations up to le milliseconds, per minute. {text}"
    unit = "" if metric.is_buckets else definition.unit
    return Metadata("gauge", unit, text)


def raw_metadata(families: Iterable[Family], directory: Directory) -> Iterator[Metadata]:
    """Of a name of raw series: one for each unit and source, without repetitions."""
    made: dict[Metadata, None] = {}
    for family in families:
        for unit in sorted(directory.units[family.source]):
            counted = family.statistic == SAMPLE_COUNT or family.form is Form.BUCKETS
            made[
                Metadata(
                    "counter" if family.counter else "gauge",
                    "" if counted or unit == "None" else unit,
                    _help(family),
                )
            ] = None
    yield from made


def _help(family: Family) -> str:
    source = family.source
    if source.namespace:
        what = f"{family.statistic} of CloudWatch's {source.metric} in {source.namespace}"
        return f"{what}, of each period by itself."
    if family.form is Form.BUCKETS:
        what = f"Observations of {source.metric} up to le"
    elif family.form is Form.QUANTILES:
        what = f"Quantiles of {source.metric}"
    else:
        what = f"{family.statistic or 'Value'} of {source.metric}"
    kind = source.kind.replace("_", " ")
    return f"{what}, from OpenTelemetry ({kind})."
