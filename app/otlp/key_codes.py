"""The formats and kinds of series as small numbers, as a native table keeps them."""

from app.otlp import points
from app.otlp.rejection import Format

_FORMATS = {format_: number for number, format_ in enumerate(Format)}
_KINDS = {
    kind: number
    for number, kind in enumerate(
        (
            points.SUMMARY,
            points.GAUGE,
            points.SUM_DELTA,
            points.SUM_CUMULATIVE,
            points.HISTOGRAM_DELTA,
            points.HISTOGRAM_CUMULATIVE,
        )
    )
}
_MOST_KINDS = 16


def code_of(format_: Format, kind: str) -> int:
    """A number below 256 that only this format and kind have."""
    return _FORMATS[format_] * _MOST_KINDS + _KINDS[kind]
