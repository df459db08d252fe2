"""Test scripts of PromQL: text to commands, and every fault with its line.

Source: "The PromQL test scripting language" (promql/promqltest/README.md of Prometheus).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import regex

from app.errors import ScriptError
from app.promql.testing.commands import (
    Clear,
    Command,
    Eval,
    Expectation,
    Faulty,
    Load,
    Period,
    Remark,
)
from app.promql.testing.notation import (
    Mark,
    Point,
    SeriesLine,
    parse_milliseconds,
    parse_number,
    parse_series,
    parse_string,
)

_LOAD = re.compile(r"load(_with_nhcb)?\s+(\S+)")
_INSTANT = re.compile(
    r"eval(?:_(fail|warn|info|ordered))?\s+instant\s+at\s+(\S+)\s+(.+)", re.DOTALL
)
_RANGE = re.compile(
    r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)",
    re.DOTALL,
)
_STARTS = re.compile(r"load(_with_nhcb)?\s+[0-9]\S*|clear|eval(_\w+)?\s+(instant|range)\s.*")
_EXPECT = re.compile(
    r"expect\s+(fail|warn|info|no_warn|no_info|ordered)(?:\s+(msg|regex)\s*:(.*))?"
)
_EXPECT_STRING = re.compile(r"expect\s+string(?:\s+(.*))?")
_EXPECT_RANGE = re.compile(r"expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)")
_OLD_FAIL = re.compile(r"expected_fail_(message|regexp)\s+(.*)")


def parse_script(text: str) -> list[Command]:
    """The commands of a script in their order.

    A block ends with an empty line, or where the next command begins. Comments are lines that
    begin with ``#``. What cannot be read becomes ``Faulty`` and stops nothing behind it; of a
    ``load`` that is a single line, of everything else the block.
    """
    commands: list[Command] = []
    block: list[_Numbered] = []
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        line = raw.strip()
        if line.startswith("#"):
            continue
        if block and (not line or _STARTS.fullmatch(line)):
            commands += _commands(block)
            block = []
        if line:
            block.append(_Numbered(number, raw))
    return commands


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    raw: str

    @property
    def text(self) -> str:
        return self.raw.strip()


def _commands(block: Sequence[_Numbered]) -> list[Command]:
    head, *body = block
    try:
        if found := _LOAD.fullmatch(head.text):
            return _load(found, head.number, body)
        return [_command(head, body)]
    except ScriptError as error:
        return [Faulty(head.text, error)]


def _command(head: _Numbered, body: Sequence[_Numbered]) -> Command:
    if head.text == "clear":
        if body:
            raise ScriptError("clear takes nothing", line=body[0].number)
        return Clear(head.number)
    if found := _INSTANT.fullmatch(head.text):
        at_ms = parse_milliseconds(found[2], head.number, "time")
        return _eval(head.number, found[1], found[3], Period(at_ms, at_ms), body)
    if found := _RANGE.fullmatch(head.text):
        times = _period(found[2], found[3], found[4], head.number)
        return _eval(head.number, found[1], found[5], times, body)
    raise ScriptError(
        "unknown command; commands are load STEP, clear, eval instant at TIME QUERY and"
        " eval range from TIME to TIME step STEP QUERY",
        line=head.number,
        column=len(head.raw) - len(head.raw.lstrip()) + 1,
    )


def _load(found: re.Match[str], line: int, body: Sequence[_Numbered]) -> list[Command]:
    step_ms = parse_milliseconds(found[2], line, "step")
    if step_ms <= 0:
        raise ScriptError(f"the step must be longer than nothing, not {found[2]}", line=line)
    series: list[SeriesLine] = []
    faults: list[Command] = []
    for one in body:
        try:
            series.append(parse_series(one.raw, one.number))
        except ScriptError as error:
            faults.append(Faulty(one.text, error))
    return [*faults, Load(line, step_ms, tuple(series), converts=found[1] is not None)]


def _period(start: str, end: str, step: str, line: int) -> Period:
    start_ms = parse_milliseconds(start, line, "start")
    end_ms = parse_milliseconds(end, line, "end")
    step_ms = parse_milliseconds(step, line, "step")
    if step_ms <= 0:
        raise ScriptError(f"the step must be longer than nothing, not {step}", line=line)
    if end_ms < start_ms:
        raise ScriptError(f"the end, {end}, is before the start, {start}", line=line)
    return Period(start_ms, end_ms, step_ms)


@dataclass(slots=True)
class _Body:
    """What the lines below an ``eval`` say."""

    expectations: list[Expectation] = field(default_factory=list)
    forbidden: set[Remark] = field(default_factory=set)
    ordered: bool = False
    scalar: float | None = None
    string: str | None = None
    range_vector: Period | None = None
    series: list[SeriesLine] = field(default_factory=list)


def _eval(
    line: int, variant: str | None, text: str, times: Period, block: Sequence[_Numbered]
) -> Eval:
    body = _Body(ordered=variant == "ordered")
    for one in block:
        _read_line(body, one)
    if variant in {"fail", "warn", "info"} and not any(
        one.remark == variant for one in body.expectations
    ):
        body.expectations.append(Expectation(line, Remark(variant)))
    command = Eval(
        line,
        text,
        times,
        tuple(body.expectations),
        frozenset(body.forbidden),
        body.ordered,
        body.scalar,
        body.string,
        body.range_vector,
        tuple(body.series),
    )
    _check(command)
    return command


def _read_line(body: _Body, one: _Numbered) -> None:
    text, line = one.text, one.number
    if found := _EXPECT_RANGE.fullmatch(text):
        body.range_vector = _period(found[1], found[2], found[3], line)
    elif found := _EXPECT_STRING.fullmatch(text):
        body.string = parse_string(found[1] or "")
        if body.string is None:
            raise ScriptError('expected a quoted string, as in expect string "up"', line=line)
    elif found := _EXPECT.fullmatch(text):
        _read_expectation(body, found, line)
    elif text.split(maxsplit=1)[0] == "expect":
        raise ScriptError(
            "unknown expectation; there are expect fail, warn, info, no_warn, no_info, ordered,"
            ' string "…" and range vector from TIME to TIME step STEP; of the first three with'
            " msg: TEXT or regex: PATTERN",
            line=line,
        )
    elif found := _OLD_FAIL.fullmatch(text):
        kind = "msg" if found[1] == "message" else "regex"
        body.expectations.append(_expectation(Remark.FAIL, kind, found[2], line))
    elif (number := parse_number(text)) is not None:
        body.scalar = number
    elif (string := parse_string(text)) is not None:
        body.string = string
    else:
        body.series.append(parse_series(one.raw, line))


def _read_expectation(body: _Body, found: re.Match[str], line: int) -> None:
    sort, kind, wanted = found[1], found[2], found[3]
    if sort in {"fail", "warn", "info"}:
        body.expectations.append(_expectation(Remark(sort), kind, wanted, line))
        return
    if kind is not None:
        raise ScriptError(f"expect {sort} takes no {kind}:", line=line)
    if sort == "ordered":
        body.ordered = True
    else:
        body.forbidden.add(Remark(sort.removeprefix("no_")))


def _expectation(remark: Remark, kind: str | None, wanted: str | None, line: int) -> Expectation:
    if kind is None or wanted is None:
        return Expectation(line, remark)
    text = wanted.strip()
    # The documentation writes messages with quotes around them and without.
    quoted = parse_string(text)
    text = text if quoted is None else quoted
    if not text:
        raise ScriptError(f"{kind}: of what? A text must follow", line=line)
    if kind == "msg":
        return Expectation(line, remark, text=text)
    try:
        return Expectation(line, remark, pattern=regex.compile(text))
    except regex.error as error:
        raise ScriptError(f"{text!r} is no regular expression: {error}", line=line) from error


def _check(command: Eval) -> None:
    """What is well formed and still cannot be meant."""
    if command.ordered and not command.is_instant:
        raise ScriptError("the series of a range query have no order", line=command.line)
    if command.range_vector and not command.is_instant:
        raise ScriptError("only an instant query answers a range vector", line=command.line)
    given = [command.scalar is not None, command.string is not None, bool(command.series)]
    if sum(given) > 1:
        raise ScriptError("expects a scalar, a string or series: one of them", line=command.line)
    if not command.is_instant and (given[0] or given[1]):
        raise ScriptError(
            "a range query answers series; a scalar is one without labels: {} 1 2 3",
            line=command.line,
        )
    count = (command.range_vector or command.times).count
    seen = set()
    for series in command.series:
        if series.starts or series.labels is None:
            raise ScriptError("start timestamps belong to load", line=series.line)
        if series.labels in seen:
            raise ScriptError("these labels are expected twice", line=series.line)
        seen.add(series.labels)
        _check_points(series.points, count, series.line)


def _check_points(points: Sequence[Point], count: int, line: int) -> None:
    if Mark.STALE in points:
        raise ScriptError("stale is never in an answer; write _ where nothing is", line=line)
    if len(points) > count or (count == 1 and points[0] is Mark.GAP):
        raise ScriptError(
            f"expects {len(points)} points, and the query is evaluated at {count} times"
            if count > 1
            else "an instant query answers one value for each series",
            line=line,
        )
