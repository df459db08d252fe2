"""Dashboards from YAML; every error of one is told, at its place, and not the first alone."""

import re
from collections.abc import Callable
from typing import TypeVar

from app.alarms import rule_values as read
from app.alarms.rule_values import Members
from app.dashboards import keys
from app.dashboards.model import (
    COLUMNS,
    ChartType,
    Dashboard,
    Query,
    Row,
    Severity,
    Threshold,
    Unit,
    Variable,
    Widget,
)
from app.dashboards.placeholders import DURATIONS
from app.dashboards.query_reading import read_query, read_selector
from app.errors import RuleError
from app.promql.numbers import general
from app.rules.documents import Item

_Read = TypeVar("_Read")
_NOTHING = "No data in this time range"
_NOTHING_WRONG = "None in this time range"
_AUTO = "auto"
_WIDTH = 4


def read_dashboard(item: Item, file: str, errors: list[RuleError]) -> Dashboard | None:
    """Read the mapping of a file. What is wrong goes to ``errors``; then there is no dashboard."""
    before = len(errors)
    found = _Reader(errors).dashboard(item, file)
    return found if len(errors) == before else None


class _Reader:
    """Goes on after an error, to find them all."""

    def __init__(self, errors: list[RuleError]) -> None:
        self._errors = errors
        self._variables: dict[str, Variable] = {}

    def dashboard(self, item: Item, file: str) -> Dashboard | None:
        members = self._members(item, keys.DASHBOARD)
        if members is None:
            return None
        uid = self._attempt(lambda: _matching(members["uid"], keys.UID, "uid"))
        title = self._attempt(lambda: _some_text(members["title"]))
        description = self._attempt(lambda: members.text("description"))
        namespace = self._optional(members, "namespace", _some_text)
        services = self._optional(members, "services", lambda each: read.texts(each, "service"))
        for entry in self._optional(members, "variables", _entries) or []:
            variable = self._attempt(lambda entry=entry: self._variable(entry))  # type: ignore[misc]
            if variable is not None:
                self._variables[variable.name] = variable
        rows: list[Row] = []
        for entry in self._attempt(lambda: _entries(members["rows"])) or []:
            row = self._attempt(lambda entry=entry: self._row(entry))  # type: ignore[misc]
            rows += [row] if row else []
        if uid is None or title is None or description is None:
            return None
        return Dashboard(
            uid=uid,
            title=title,
            rows=tuple(rows),
            variables=tuple(self._variables.values()),
            description=description,
            namespace=namespace or "",
            services=services or (),
            place=file,
        )

    def _variable(self, item: Item) -> Variable:
        members = Members(item, keys.names(keys.VARIABLE), self._errors)
        name = _matching(members["name"], keys.NAME, "variable")
        if f"${name}" in DURATIONS:
            raise members["name"].fault(f"{name} is a variable of every dashboard")
        if name in self._variables:
            raise members["name"].fault(f"the variable {name} is given twice")
        title = self._optional(members, "title", _some_text)
        multiple = self._optional(members, "multiple", read.boolean)
        # What is wrong with the rest does not make the variable unknown to the widgets.
        selector = self._attempt(lambda: read_selector(members["selector"], self._variables))
        label = self._attempt(lambda: read.label(members["label"]))
        return Variable(name, title or name, selector or "", label or "", multiple is not False)

    def _row(self, item: Item) -> Row | None:
        members = self._members(item, keys.ROW)
        if members is None:
            return None
        title = self._attempt(lambda: _some_text(members["title"]))
        description = self._attempt(lambda: members.text("description"))
        widgets: list[Widget] = []
        for entry in self._attempt(lambda: _entries(members["widgets"])) or []:
            widget = self._attempt(lambda entry=entry: self._widget(entry))  # type: ignore[misc]
            widgets += [widget] if widget else []
        return Row(title or "", tuple(widgets), description or "")

    def _widget(self, item: Item) -> Widget | None:
        members = self._members(item, keys.WIDGET)
        if members is None:
            return None
        title = self._attempt(lambda: _some_text(members["title"]))
        description = self._attempt(lambda: members.text("description"))
        kind = self._optional(members, "type", lambda each: read.word(each, ChartType))
        kind = kind or ChartType.LINE
        unit = self._optional(members, "unit", lambda each: read.word(each, Unit)) or Unit.NONE
        minimum = self._attempt(lambda: _bound(members, "minimum", 0.0))
        maximum = self._attempt(lambda: _bound(members, "maximum", None))
        if minimum is not None and maximum is not None and minimum >= maximum:
            key = "maximum" if "maximum" in members else "minimum"
            self._errors.append(members[key].fault("minimum is not below maximum"))
        rare = self._optional(members, "rare", read.boolean) is True
        empty = self._optional(members, "empty", _some_text)
        width = self._optional(members, "width", lambda each: read.whole(each, 1, COLUMNS))
        stacked = self._optional(members, "stacked", read.boolean) is True
        if stacked and kind.is_instant:
            self._errors.append(members["stacked"].fault(f"a {kind} cannot be stacked"))
        return Widget(
            title=title or "",
            queries=self._queries(members, instant=kind.is_instant),
            description=description or "",
            type=kind,
            unit=unit,
            stacked=stacked,
            thresholds=self._thresholds(members, unit),
            minimum=minimum,
            maximum=maximum,
            width=width or _WIDTH,
            rare=rare,
            empty=empty or (_NOTHING_WRONG if rare else _NOTHING),
        )

    def _queries(self, members: Members, *, instant: bool) -> tuple[Query, ...]:
        found: list[Query] = []
        entries = self._attempt(lambda: _entries(members["queries"])) or []
        if len(entries) > keys.MOST_QUERIES:
            message = f"more than {keys.MOST_QUERIES} queries in a widget"
            self._errors.append(entries[keys.MOST_QUERIES].fault(message))
        for entry in entries[: keys.MOST_QUERIES]:
            query = self._attempt(
                lambda entry=entry: read_query(  # type: ignore[misc]
                    entry, self._variables, self._errors, instant=instant
                )
            )
            found += [query] if query else []
        return tuple(found)

    def _thresholds(self, members: Members, unit: Unit) -> tuple[Threshold, ...]:
        found: list[Threshold] = []
        for entry in self._optional(members, "thresholds", _entries) or []:
            threshold = self._attempt(lambda entry=entry: self._threshold(entry, unit))  # type: ignore[misc]
            if threshold is None:
                continue
            if found and threshold.value <= found[-1].value:
                self._errors.append(entry.fault("thresholds are in ascending order"))
            found.append(threshold)
        return tuple(found)

    def _threshold(self, item: Item, unit: Unit) -> Threshold:
        members = Members(item, keys.names(keys.THRESHOLD), self._errors)
        value = members["value"].finite()
        severity = read.word(members["severity"], Severity)
        label = self._optional(members, "label", _some_text)
        text = general(value, most_exponent=16)
        return Threshold(value, severity, label or (f"{text} %" if unit is Unit.PERCENT else text))

    def _members(self, item: Item, known: tuple[keys.Key, ...]) -> Members | None:
        return self._attempt(lambda: Members(item, keys.names(known), self._errors))

    def _attempt(self, action: Callable[[], _Read]) -> _Read | None:
        try:
            return action()
        except RuleError as error:
            self._errors.append(error)
            return None

    def _optional(
        self, members: Members, key: str, action: Callable[[Item], _Read]
    ) -> _Read | None:
        item = members.get(key)
        return None if item is None else self._attempt(lambda: action(item))


def _some_text(item: Item) -> str:
    text = item.text().strip()
    if not text:
        raise item.fault("a text is expected that is not empty")
    return text


def _matching(item: Item, pattern: str, what: str) -> str:
    text = item.text()
    if not re.fullmatch(pattern, text):
        raise item.fault(f"{text[:200]!r} is not a {what}: it has to match {pattern}")
    return text


def _entries(item: Item) -> list[Item]:
    entries = item.items()
    if not entries:
        raise item.fault("the list is empty")
    return entries


def _bound(members: Members, key: str, default: float | None) -> float | None:
    item = members.get(key)
    if item is None:
        return default
    if item.text() == _AUTO:
        return None
    try:
        return item.finite()
    except RuleError:
        raise item.fault(f"a number is expected, or {_AUTO}") from None
