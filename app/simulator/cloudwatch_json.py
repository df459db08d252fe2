"""Points as lines of the JSON format, keys in the order of the captures (section B.2)."""

import json
from functools import lru_cache

from app.simulator.points import Point, Series

_PLAIN_BELOW = 1e7
_PLAIN_FROM = 1e-3


def json_line(point: Point, stream_name: str) -> bytes:
    """Return one point as a JSON object with its trailing newline, in UTF-8.

    `timestamp` is the start of the period; neither its end nor its length is transmitted.
    """
    value = {
        "max": point.maximum,
        "min": point.minimum,
        "sum": point.sum,
        "count": float(point.count),
        **dict(point.percentiles),
    }
    statistics = ",".join(f"{_quoted(name)}:{number(each)}" for name, each in value.items())
    line = (
        f"{_head(point.series, stream_name)}{point.start_ms},"
        f'"value":{{{statistics}}},"unit":{_quoted(point.series.unit)}}}\n'
    )
    return line.encode()


def number(value: float) -> str:
    """Return a double as Java prints it (1.0626048E7, 10.011666666666667): AWS's own spelling.

    The digits are the shortest that read back as the same double.
    """
    plain = repr(value)
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return plain
    mantissa, _, exponent = plain.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    power = int(exponent or 0) + len(whole) - 1 - leading_zeros
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{power}"


@lru_cache(maxsize=1 << 18)
def _head(series: Series, stream_name: str) -> str:
    fields = {
        "metric_stream_name": stream_name,
        "account_id": series.account,
        "region": series.region,
        "namespace": series.namespace,
        "metric_name": series.metric,
        "dimensions": dict(series.dimensions),
    }
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"timestamp":'


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
