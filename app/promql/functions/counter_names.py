"""Remarks on metrics that are no counters, by their names."""

import re

import numpy as np

from app.labels import METRIC_NAME
from app.promql.functions.kinds import CallContext
from app.promql.functions.windows import WindowSamples

_COUNTERS = ("_total", "_sum", "_count", "_bucket")
_STATISTICS = "sum|samplecount|minimum|maximum|average|iqm|(?:p|tm|wm|tc|ts|pr)_?[0-9][0-9_]*"
_PER_PERIOD = re.compile(rf"aws_.+_(?:{_STATISTICS})", re.IGNORECASE)


def remark_on_names(
    samples: WindowSamples, context: CallContext, *, only_periods: bool = False
) -> None:
    """Tell the user if a function of counters is applied to what is none.

    CloudWatch's statistics are values of a period each, though the names of sums end as counters'
    names do. With ``only_periods`` nothing is said about other names, as by Prometheus of irate.
    """
    with_samples = np.logical_or.reduce(samples.windows.present, axis=1).tolist()
    names = {
        dict(labels).get(METRIC_NAME, "")
        for labels, there in zip(samples.windows.labels, with_samples, strict=True)
        if there
    }
    for name in sorted(names):
        if _PER_PERIOD.fullmatch(name):
            context.annotations.inform(
                f'"{name}" has a value for each period and is no counter: the rate per second is'
                " sum_over_time(...) divided by the seconds of the window"
            )
        elif name and not only_periods and not name.endswith(_COUNTERS):
            context.annotations.inform(
                "metric might not be a counter, name does not end in"
                f' _total/_sum/_count/_bucket: "{name}"'
            )
