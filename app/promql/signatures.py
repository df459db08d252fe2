"""What every function of Prometheus 3 takes and gives, the experimental ones included.

Source: "Query functions" of Prometheus' documentation, and its feature flags.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.promql.ast import ValueType

_SCALAR = ValueType.SCALAR
_VECTOR = ValueType.INSTANT_VECTOR
_RANGE = ValueType.RANGE_VECTOR
_STRING = ValueType.STRING


@dataclass(frozen=True, slots=True)
class Signature:
    """The types of a function's arguments and of its result.

    At least ``least`` arguments are needed. Arguments beyond those listed have the type of the last
    one; at most ``most`` are taken in all, None means any number.
    """

    name: str
    arguments: tuple[ValueType, ...]
    least: int
    most: int | None
    result: ValueType = _VECTOR
    experimental: bool = False

    def argument_type(self, number: int) -> ValueType:
        """The type of an argument, counted from 0."""
        return self.arguments[min(number, len(self.arguments) - 1)]


def _signature(
    name: str,
    *arguments: ValueType,
    optional: int | None = 0,
    result: ValueType = _VECTOR,
    experimental: bool = False,
) -> Signature:
    """``optional``: how many may follow all but the last listed one; None for any number; 0: none.

    This is how Prometheus counts: a function of which 1 is optional may be called without its last.
    """
    if optional == 0:
        least, most = len(arguments), len(arguments)
        return Signature(name, arguments, least, most, result, experimental)
    least = len(arguments) - 1
    most_in_all = None if optional is None else least + optional
    return Signature(name, arguments, least, most_in_all, result, experimental)


def _stable() -> list[Signature]:
    of_vector = (
        "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg"
        " histogram_count histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn"
        " sin sinh sort sort_desc sqrt tan tanh timestamp"
    )
    of_times = "day_of_month day_of_week day_of_year days_in_month hour minute month year"
    of_range = (
        "absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate"
        " last_over_time max_over_time min_over_time present_over_time rate resets"
        " stddev_over_time stdvar_over_time sum_over_time"
    )
    return [
        *(_signature(name, _VECTOR) for name in of_vector.split()),
        *(_signature(name, _VECTOR, optional=1) for name in of_times.split()),
        *(_signature(name, _RANGE) for name in of_range.split()),
        *(_signature(name, result=_SCALAR) for name in ("pi", "time")),
        _signature("clamp", _VECTOR, _SCALAR, _SCALAR),
        _signature("clamp_max", _VECTOR, _SCALAR),
        _signature("clamp_min", _VECTOR, _SCALAR),
        _signature("histogram_fraction", _SCALAR, _SCALAR, _VECTOR),
        _signature("histogram_quantile", _SCALAR, _VECTOR),
        _signature("label_join", _VECTOR, _STRING, _STRING, _STRING, optional=None),
        _signature("label_replace", _VECTOR, _STRING, _STRING, _STRING, _STRING),
        _signature("predict_linear", _RANGE, _SCALAR),
        _signature("quantile_over_time", _SCALAR, _RANGE),
        _signature("round", _VECTOR, _SCALAR, optional=1),
        _signature("scalar", _VECTOR, result=_SCALAR),
        _signature("vector", _SCALAR),
    ]


def _experimental() -> list[Signature]:
    of_range = (
        "first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time"
        " ts_of_max_over_time ts_of_min_over_time"
    )
    return [
        *(_signature(name, _RANGE, experimental=True) for name in of_range.split()),
        *(
            _signature(name, result=_SCALAR, experimental=True)
            for name in ("end", "range", "start", "step")
        ),
        *(
            _signature(name, _SCALAR, _SCALAR, result=_SCALAR, experimental=True)
            for name in ("max_of", "min_of")
        ),
        _signature("double_exponential_smoothing", _RANGE, _SCALAR, _SCALAR, experimental=True),
        _signature(
            "histogram_quantiles",
            _VECTOR,
            _STRING,
            _SCALAR,
            _SCALAR,
            optional=9,
            experimental=True,
        ),
        _signature("info", _VECTOR, _VECTOR, optional=1, experimental=True),
        _signature("sort_by_label", _VECTOR, _STRING, optional=None, experimental=True),
        _signature("sort_by_label_desc", _VECTOR, _STRING, optional=None, experimental=True),
    ]


SIGNATURES: Mapping[str, Signature] = MappingProxyType(
    {
        signature.name: signature
        for signature in sorted(_stable() + _experimental(), key=lambda each: each.name)
    }
)
"""By name. Names are case-sensitive."""
