"""What is said of quantiles outside of [0, 1]."""

import numpy as np

from app.arrays import FloatArray
from app.promql.functions.kinds import CallContext
from app.promql.numbers import general


def warn_of_quantiles(wanted: FloatArray, context: CallContext) -> None:
    """Warn of each value that is no quantile."""
    for value in np.unique(wanted[~((wanted >= 0) & (wanted <= 1))]).tolist():
        context.annotations.warn(f"quantile value should be between 0 and 1, got {general(value)}")
