"""Query parameters shared by routes."""

from dataclasses import dataclass
from typing import Annotated, get_args, get_origin

from fastapi import Depends, Query, Request

from app.clock import LAST_MS
from app.errors import InvalidParameter
from app.query import parse_time_ms


def known_parameters_only(request: Request) -> None:
    """Refuse parameters that the route does not have, and those given twice that it takes once.

    A misspelt one must not be ignored, nor one of two.
    """
    dependant = request.scope["route"].dependant
    pending, known, lists = [dependant], set[str](), set[str]()
    while pending:
        part = pending.pop()
        known.update(field.alias for field in part.query_params)
        lists.update(
            field.alias for field in part.query_params if _is_list(field.field_info.annotation)
        )
        pending += part.dependencies
    for name in request.query_params:
        if name not in known:
            raise InvalidParameter(
                name, f"this route has no such parameter; it has {', '.join(sorted(known))}"
            )
        if name not in lists and len(request.query_params.getlist(name)) > 1:
            raise InvalidParameter(name, "it is given twice, and this route takes one")
    refuse_nul(request)


def refuse_nul(request: Request) -> None:
    """Raise ``InvalidParameter`` for a NUL character in a parameter of the query or the path.

    No stored text has one, and PostgreSQL does not even take it in a question.
    """
    for name, text in (*request.query_params.multi_items(), *request.path_params.items()):
        if "\0" in text:
            raise InvalidParameter(name, "a NUL character cannot be part of it")


def _is_list(annotation: object) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


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

    def is_over(self, now_ms: int) -> bool:
        """Whether it ends in the past: what is in it changes only by points that come late."""
        return self.end_ms <= now_ms


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
