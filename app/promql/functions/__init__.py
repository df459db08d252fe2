"""The functions of PromQL, by name.

``start``, ``end``, ``range`` and ``step`` are the evaluator's own, because they speak of the whole
query, also in a subquery; so are ``timestamp`` and ``info``, which see how their argument is
selected. ``absent_over_time`` is of two kinds: the range function tells where a series has samples,
and the vector function of the same name, applied to that vector, where none has.
"""

from collections.abc import Mapping

from app.promql.functions.arithmetic import ARITHMETIC
from app.promql.functions.counters import COUNTERS
from app.promql.functions.dates import DATES
from app.promql.functions.distribution import DISTRIBUTION
from app.promql.functions.histograms import HISTOGRAMS
from app.promql.functions.kinds import RangeFunction, ValueFunction, VectorFunction
from app.promql.functions.over_time import OVER_TIME
from app.promql.functions.relabelling import RELABELLING
from app.promql.functions.scalars import SCALARS
from app.promql.functions.sorting import SORTING
from app.promql.functions.trends import TRENDS

VALUE_FUNCTIONS: Mapping[str, ValueFunction] = {**ARITHMETIC, **DATES}
"""Functions of each sample by itself; the caller drops the metric's name."""

RANGE_FUNCTIONS: Mapping[str, RangeFunction] = {**COUNTERS, **DISTRIBUTION, **OVER_TIME, **TRENDS}
"""Functions of windows; the caller drops the metric's name, except for ``KEEPS_NAME``."""

VECTOR_FUNCTIONS: Mapping[str, VectorFunction] = {
    **HISTOGRAMS,
    **RELABELLING,
    **SCALARS,
    **SORTING,
}
"""Functions of whole vectors, of scalars and strings; names are their own business."""

KEEPS_NAME = frozenset({"first_over_time", "last_over_time"})
"""Range functions whose results are samples as they were, and keep the metric's name."""
