"""Forms of alarms: acknowledging, silencing. Each leads back to a page when it is done."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from app.api.alarms.acknowledgements import acknowledge_incident, unacknowledge_incident
from app.api.alarms.filters import LARGEST_ID
from app.api.alarms.silences import NewMatcher, NewSilence, add_silence, end_silence
from app.api.operators import Operators
from app.errors import InvalidParameter
from app.web.forms import Form, read_form
from app.web.web import Web

_LONGEST_NAME, _LONGEST_COMMENT = 256, 4_096
_MATCHER = ("name", "operator", "value")
_Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def add_changes(router: APIRouter, web: Web) -> None:
    """Add the routes of forms; what REST refuses, they refuse."""
    context = web.context
    operators = Operators(context)

    @router.post("/alarms/incidents/{incident}/acknowledgement")
    async def acknowledge(request: Request, incident: _Id) -> Response:
        who = operators.require(request)
        form = await read_form(request, ("by", "comment"))
        by = form.text("by", longest=_LONGEST_NAME) or who
        comment = form.text("comment", longest=_LONGEST_COMMENT)
        await to_thread.run_sync(acknowledge_incident, context, incident, by, comment)
        return _led_to(f"/alarms/incidents/{incident}")

    @router.post("/alarms/incidents/{incident}/acknowledgement/removal")
    async def unacknowledge(request: Request, incident: _Id) -> Response:
        operators.require(request)
        await read_form(request, ())
        await to_thread.run_sync(unacknowledge_incident, context, incident)
        return _led_to(f"/alarms/incidents/{incident}")

    @router.post("/alarms/silences")
    async def silence(request: Request) -> Response:
        who = operators.require(request)
        form = await read_form(request, (*_MATCHER, "duration", "comment", "by", "incident"))
        new = NewSilence(
            matchers=_matchers(form),
            comment=form.text("comment", longest=_LONGEST_COMMENT),
            created_by=form.text("by", longest=_LONGEST_NAME),
            duration=form.text("duration") or None,
        )
        incident = form.text("incident")
        if incident and not (incident.isascii() and incident.isdigit() and len(incident) < 20):  # noqa: PLR2004
            raise InvalidParameter("incident", f"{incident!r} is not the id of an incident")
        await to_thread.run_sync(add_silence, context, new, who)
        return _led_to(f"/alarms/incidents/{incident}" if incident else "/alarms/silences")

    @router.post("/alarms/silences/{silence}/end")
    async def end(request: Request, silence: _Id) -> Response:
        operators.require(request)
        await read_form(request, ())
        await to_thread.run_sync(end_silence, context, silence)
        return _led_to("/alarms/silences")


def _matchers(form: Form) -> list[NewMatcher]:
    """The rows of the form that have a name."""
    names, operators, values = (form.texts(each) for each in _MATCHER)
    if not len(names) == len(operators) == len(values):
        raise InvalidParameter("name", "each condition has a name, an operator and a value")
    rows = zip(names, operators, values, strict=True)
    return [
        NewMatcher(name=name, operator=operator, value=value)
        for name, operator, value in rows
        if name
    ]


def _led_to(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
