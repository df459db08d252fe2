"""The formats of answers, and which one a request wants."""

from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Query, Request


class AnswerFormat(StrEnum):
    """JSON, or a table: comma-separated values, or a JSON object a line."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPES = {
    AnswerFormat.JSON: "application/json",
    AnswerFormat.CSV: "text/csv",
    AnswerFormat.NDJSON: "application/x-ndjson",
}

_ALSO_CALLED = {"application/ndjson": "application/x-ndjson"}


def wanted_format(
    request: Request,
    chosen: Annotated[
        AnswerFormat | None,
        Query(alias="format", description="json, csv or ndjson; default: by Accept, or json"),
    ] = None,
) -> AnswerFormat:
    """The format asked for: by the parameter, else by the header Accept, else JSON."""
    return chosen or accepted_format(request.headers.getlist("accept"))


FormatParameter = Annotated[AnswerFormat, Depends(wanted_format)]


def accepted_format(headers: list[str]) -> AnswerFormat:
    """The format that Accept prefers (RFC 9110, 12.5.1); JSON before others, and instead of none.

    Of several ranges that match a type the most specific one counts.
    """
    ranges = [_media_range(text) for header in headers for text in header.split(",")]
    best, best_weight = AnswerFormat.JSON, 0.0
    for answer_format, media_type in MEDIA_TYPES.items():
        main = media_type.partition("/")[0]
        # A browser's */* asks for no table.
        names = (media_type, f"{main}/*", "*/*") if best_weight == 0 else (media_type,)
        matching = [(-names.index(name), weight) for name, weight in ranges if name in names]
        weight = max(matching, default=(0, 0.0))[1]
        if weight > best_weight:
            best, best_weight = answer_format, weight
    return best


def _media_range(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in text.lower().split(";"))
    weight = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                weight = min(max(float(value), 0.0), 1.0)
            except ValueError:
                weight = 0.0
    return _ALSO_CALLED.get(name, name), weight
