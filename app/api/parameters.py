"""Query parameters shared by routes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from app.clock import LAST_MS
from app.errors import InvalidParameter
from app.query import parse_time_ms


def known_parameters_only(request: Request) -> None:
    """Refuse parameters that the route does not have; a misspelt one must not be ignored."""
    dependant = request.scope["route"].dependant
    pending, known = [dependant], set[str]()
    while pending:
        part = pending.pop()
        known.update(field.alias for field in part.query_params)
        pending += part.dependencies
    for name in request.query_params:
        if name not in known:
            raise InvalidParameter(
                name, f"this route has no such parameter; it has {', '.join(sorted(known))}"
            )
    for name, text in (*request.query_params.multi_items(), *request.path_params.items()):
        # No stored text has one, and PostgreSQL does not even take it in a question.
        if "\0" in text:
            raise InvalidParameter(name, "a NUL character cannot be part of it")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """``start_ms`` inclusive, ``end_ms`` exclusive."""

    start_ms: int
    end_ms: int

    def aligned(self, period_ms: int) -> "TimeRange":
        """The range widened to whole periods, so that none is answered in part."""
        start_ms = self.start_ms // period_ms * period_ms
        end_ms = -(-self.end_ms // period_ms) * period_ms
        return TimeRange(start_ms, end_ms)


def time_range(
    start: Annotated[str | None, Query(description="Inclusive; default: the oldest data")] = None,
    end: Annotated[str | None, Query(description="Exclusive; default: the newest data")] = None,
) -> TimeRange:
    """The parameters ``start`` and ``end``."""
    start_ms = 0 if start is None else parse_time_ms("start", start)
    end_ms = LAST_MS if end is None else parse_time_ms("end", end)
    if end_ms <= start_ms:
        raise InvalidParameter("end", "the end must be after the start")
    return TimeRange(start_ms, end_ms)


TimeRangeParameter = Annotated[TimeRange, Depends(time_range)]
