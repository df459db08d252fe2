"""``GET /alarms/silences``: those in force and to come, those of the last days, and a form."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from app.api.alarms.content import silence_content
from app.storage import SilenceRow, read_silences
from app.web.web import Web

_STATES = {"active": "warning", "pending": "unknown", "expired": "unknown"}
_WORDS = {"active": "In force", "pending": "To come", "expired": "Over"}
_MOST_OVER = 50
DURATIONS = (
    ("30m", "30 minutes"),
    ("1h", "1 hour"),
    ("4h", "4 hours"),
    ("1d", "1 day"),
    ("7d", "7 days"),
)
_EMPTY_ROWS = 3


def add_silences(router: APIRouter, web: Web) -> None:
    """Add the page. ``label=NAME:VALUE`` fills a row of the form."""

    @router.get("/alarms/silences")
    def show_silences(request: Request) -> Response:
        now_ms = web.context.clock.now_ms()
        with web.context.store.read() as connection:
            rows = read_silences(connection)
        over = [row for row in rows if row.ends_ms <= now_ms]
        over.sort(key=lambda row: -row.ends_ms)
        given = [
            (name, value)
            for name, colon, value in (
                text.partition(":") for text in request.query_params.getlist("label")
            )
            if colon
        ]
        return web.page(
            request,
            "alarms/silences.html",
            silences=[shown_silence(row, now_ms) for row in rows if row.ends_ms > now_ms],
            over=[shown_silence(row, now_ms) for row in over[:_MOST_OVER]],
            over_total=len(over),
            durations=DURATIONS,
            conditions=[*given, *[("", "")] * max(1, _EMPTY_ROWS - len(given))],
        )


def shown_silence(row: SilenceRow, now_ms: int) -> Mapping[str, object]:
    """A silence as it is listed."""
    state = str(silence_content(row, now_ms)["state"])
    return {
        "id": row.silence_id,
        "is_over": state == "expired",
        "state": _STATES[state],
        "words": _WORDS[state],
        "matchers": [f'{name}{operator}"{value}"' for name, operator, value in row.matchers],
        "starts_ms": row.starts_ms,
        "ends_ms": row.ends_ms,
        "left_ms": max(0, row.ends_ms - now_ms),
        "by": row.created_by,
        "comment": row.comment,
    }
