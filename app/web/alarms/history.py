"""``GET /alarms/history``: what changed over the time range, and the incidents of it."""

from fastapi import APIRouter, Request, Response

from app.api.alarms.history import wanted_transitions
from app.errors import InvalidParameter
from app.storage import read_acknowledgements, read_incidents
from app.web.alarms.content import transition_content
from app.web.alarms.incident import incident_row
from app.web.alarms.selecting import SEVERITIES, STATES, selection_of
from app.web.web import Web

PAGE_SIZE = 100
_LONGEST_ID = 18


def add_history(router: APIRouter, web: Web) -> None:
    """Add the page."""

    @router.get("/alarms/history")
    def show_history(request: Request) -> Response:
        asked = selection_of(request.query_params)
        shown = web.range_of(request)
        withdrawn = request.query_params.get("withdrawn", "") not in {"", "0"}
        after_id = _after(request.query_params.get("after", ""))
        wanted = asked.filter
        frontier_ms, found = wanted_transitions(
            web.context,
            wanted,
            shown.times,
            to=asked.states,
            withdrawn=withdrawn,
            after_id=after_id,
            limit=PAGE_SIZE + 1,
        )
        with web.context.store.read() as connection:
            rows = read_incidents(
                connection,
                rule=wanted.only_rule,
                start_ms=shown.start_ms,
                end_ms=shown.end_ms,
            )
            acknowledgements = read_acknowledgements(connection)
        incidents = [
            row
            for row in rows
            if wanted.takes(row.rule, row.severity, row.entity, row.labels)
            and (withdrawn or not row.withdrawn)
        ]
        transitions = found[:PAGE_SIZE]
        return web.page(
            request,
            "alarms/history.html",
            range=shown,
            asked=asked,
            withdrawn=withdrawn,
            kept=asked.parameters(withdrawn="1" if withdrawn else None),
            frontier_ms=frontier_ms,
            first=after_id is None,
            transitions=[transition_content(row) for row in transitions],
            next=transitions[-1].transition_id if len(found) > PAGE_SIZE else None,
            incidents=[
                incident_row(row, acknowledgements.get(row.incident_id))
                for row in incidents[:PAGE_SIZE]
            ],
            incidents_total=len(incidents),
            severities=SEVERITIES,
            states=STATES,
        )


def _after(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise InvalidParameter("after", f"{text!r} is not the id of a transition")
    return int(text)
