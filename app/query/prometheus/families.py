"""Families: under which names of Prometheus a series appears, and what each shows of its points.

A CloudWatch metric has a family for each statistic. A metric of another source has one under its
own name for gauges and sums, those of a classic histogram, or those of a summary.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.otlp.histograms import upper_bound
from app.otlp.points import (
    GAUGE,
    HISTOGRAM_CUMULATIVE,
    HISTOGRAM_DELTA,
    SUM_CUMULATIVE,
    SUM_DELTA,
)
from app.otlp.quantiles import quantile_of
from app.query.prometheus.naming import metric_name, number_text, statistic_suffix
from app.query.statistics import (
    AVERAGE,
    MAXIMUM,
    MINIMUM,
    SAMPLE_COUNT,
    STANDARD_STATISTICS,
    SUM,
)


class Form(StrEnum):
    """What a family shows of a point."""

    STATISTIC = "statistic"
    """One number."""
    BUCKETS = "buckets"
    """Counts of a histogram by label ``le``, each of all that lies below its bound."""
    QUANTILES = "quantiles"
    """Quantiles of a summary by label ``quantile``."""


@dataclass(frozen=True, slots=True)
class Source:
    """Series that appear under the same names: a metric of a namespace, and their kind."""

    namespace: str
    metric: str
    kind: str


@dataclass(frozen=True, slots=True)
class Family:
    """A family of a source: its classic name, its name as the source spells it, what it shows.

    ``statistic`` is read of minutes, ``rolled_up`` of longer tiers; None where these do not have
    it. A ``counter`` goes on counting from the start of its source.
    """

    source: Source
    name: str
    spelt: str
    statistic: str
    rolled_up: str | None
    form: Form = Form.STATISTIC
    counter: bool = False


# Percentiles and the like in names that have not been seen in the data; decimals follow a `_`.
_EXTRA_SUFFIX = re.compile(r"((?:p|tm|wm|tc|ts)\d+)(?:_(\d+))?")


def families(source: Source, extras: Iterable[str] = ()) -> Iterator[Family]:
    """The families of a source; ``extras`` are the extra statistics that its points have."""
    if source.namespace:
        for statistic in (*STANDARD_STATISTICS, *sorted(set(extras))):
            yield cloudwatch_family(source, statistic)
        return
    name, spelt = metric_name(source.metric), source.metric
    if source.kind == GAUGE:
        # Of several in a bucket the mean; in a minute each stands for itself.
        yield Family(source, name, spelt, SUM, AVERAGE)
    elif source.kind == SUM_DELTA:
        yield Family(source, name, spelt, SUM, SUM)
    elif source.kind == SUM_CUMULATIVE:
        # What a counter has reached at the end of a bucket, unless it began anew.
        yield Family(source, name, spelt, SUM, MAXIMUM, counter=True)
    else:
        counter = source.kind != HISTOGRAM_DELTA
        is_histogram = source.kind in (HISTOGRAM_DELTA, HISTOGRAM_CUMULATIVE)
        form = Form.BUCKETS if is_histogram else Form.QUANTILES
        suffix = "_bucket" if is_histogram else ""
        yield Family(
            source, name + suffix, spelt + suffix, "", None, form, counter and is_histogram
        )
        for suffix, statistic in (("_sum", SUM), ("_count", SAMPLE_COUNT)):
            rolled_up = None if counter else statistic
            yield Family(
                source, name + suffix, spelt + suffix, statistic, rolled_up, counter=counter
            )


def cloudwatch_family(source: Source, statistic: str) -> Family:
    """The family of one statistic, by CloudWatch's name of it."""
    base = cloudwatch_base(source.namespace, source.metric)
    return Family(
        source,
        f"{base}_{statistic_suffix(statistic)}",
        f"{source.namespace}/{source.metric}/{statistic}",
        statistic,
        statistic if statistic in STANDARD_STATISTICS else None,
    )


def cloudwatch_base(namespace: str, metric: str) -> str:
    """The classic name of a CloudWatch metric without its statistic."""
    return metric_name(f"{namespace.lower()}_{metric}")


def percentile_of_suffix(suffix: str) -> str | None:
    """The percentile, or its like, that a classic suffix names: ``p99.9`` of ``p99_9``."""
    match = _EXTRA_SUFFIX.fullmatch(suffix)
    if match is None:
        return None
    return match[1] if match[2] is None else f"{match[1]}.{match[2]}"


def expansion(form: Form, statistic: str) -> str | None:
    """The value of ``le`` or ``quantile`` that a statistic of a point gives; None for none."""
    if form is Form.BUCKETS:
        bound = upper_bound(statistic)
        return None if bound is None else number_text(bound)
    if statistic in (MINIMUM, MAXIMUM):
        return "0" if statistic == MINIMUM else "1"
    quantile = quantile_of(statistic)
    return None if quantile is None else number_text(quantile)
