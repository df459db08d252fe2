"""The option ``--since``: a time, or how long before the end."""

from app.errors import InvalidParameter
from app.promql.parsing.numbers import milliseconds_of
from app.query import parse_time_ms


def parse_since(text: str, end_ms: int) -> int:
    """Milliseconds since the epoch of ``30m``, ``12h`` or ``7d`` before the end, or of a time.

    Raises ``InvalidParameter`` for what is neither, and for no time at all.
    """
    length_ms = _duration(text)
    if length_ms is None:
        try:
            return parse_time_ms("--since", text)
        except InvalidParameter as error:
            raise InvalidParameter(
                "--since",
                f"{text!r} is neither a duration such as 30m, 12h or 7d, nor a time in RFC 3339,"
                " Unix seconds or Unix milliseconds",
            ) from error
    if not length_ms:
        raise InvalidParameter("--since", "it must be longer than nothing")
    return max(0, end_ms - length_ms)


def _duration(text: str) -> int | None:
    """Milliseconds of a duration; None for what is none, and for a mere number, which is a time."""
    if not text[-1:].isalpha():
        return None
    try:
        return milliseconds_of(text)
    except ValueError:
        return None
