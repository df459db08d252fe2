"""Values and times as Prometheus writes them into its answers."""

import numpy as np
import orjson

from app.arrays import FloatArray
from app.promql.numbers import general

# Below the one and from the other on Prometheus writes an exponent, as JSON of Go does.
_LEAST_EXPONENT = -6
_MOST_EXPONENT = 21
# Between these orjson writes none, and apart from ".0" the same digits as Prometheus.
_SMALLEST_PLAIN = 1e-4
_LARGEST_PLAIN = 1e15


def value_text(value: float) -> str:
    """The shortest digits that read back to the value: ``1``, ``0.25``, ``1e-07``, ``+Inf``."""
    return general(value, least_exponent=_LEAST_EXPONENT, most_exponent=_MOST_EXPONENT)


def value_texts(values: FloatArray) -> list[bytes]:
    """The texts of a row of values, at some thirty nanoseconds each."""
    if not len(values):
        return []
    row = np.ascontiguousarray(values)
    written = orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY)
    # Only whole numbers end in ".0".
    texts = (written[1:-1] + b",").replace(b".0,", b",")[:-1].split(b",")
    size = np.abs(row)
    # Not a number is not plain either.
    plain = (size < _LARGEST_PLAIN) & ((size >= _SMALLEST_PLAIN) | (size == 0))
    for place in np.flatnonzero(~plain).tolist():
        texts[place] = value_text(float(row[place])).encode()
    return texts


def time_text(time_ms: int) -> str:
    """Unix seconds, with three decimals where the time has a fraction of a second."""
    seconds, rest = divmod(abs(time_ms), 1000)
    sign = "-" if time_ms < 0 else ""
    return f"{sign}{seconds}.{rest:03}" if rest else f"{sign}{seconds}"
