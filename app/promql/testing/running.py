"""Runs test scripts of PromQL against the engine."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.errors import HydrantError, ScriptError, UserError
from app.labels import LabelSet
from app.promql.ast import ValueType
from app.promql.engine import Answer, Engine
from app.promql.parsing import parse
from app.promql.testing.commands import Clear, Eval, Faulty, Load, Period, Remark
from app.promql.testing.comparison import (
    Row,
    almost_equal,
    expected_lines,
    got_lines,
    series_differ,
    write_point,
)
from app.promql.testing.memory import MemoryReader, OpaqueSelected
from app.promql.testing.script import parse_script
from app.promql.testing.storage import LoadedSeries


class Outcome(StrEnum):
    """What became of one ``eval``, or of a command that cannot be carried out."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Result:
    """One ``eval`` and its outcome; of other commands only those that have failed.

    ``reason`` is what is wrong, or not supported; ``expected`` and ``got`` are lines for a reader.
    """

    command: Eval | Faulty
    outcome: Outcome
    reason: str = ""
    expected: tuple[str, ...] = ()
    got: tuple[str, ...] = ()


def run_file(file: Path, engine: Engine) -> list[Result]:
    """Run the script in a file; ``ScriptError`` if it is no text."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"cannot be read: {error}", file=str(file)) from error
    return run_script(text, engine)


def run_script(text: str, engine: Engine) -> list[Result]:
    """The results of all ``eval`` of a script, in their order, and what could not be carried out.

    An instant query is also asked as a range query around its time, as Prometheus' runner does,
    and must answer the same there.
    """
    loaded = LoadedSeries()
    results: list[Result] = []
    for command in parse_script(text):
        match command:
            case Clear():
                loaded.clear()
            case Faulty():
                results.append(_faulty(command))
            case Load():
                try:
                    loaded.load(command)
                except ScriptError as error:
                    results.append(_faulty(Faulty("load", error)))
            case Eval():
                results.append(_evaluate(command, engine, loaded.reader()))
    return results


_AROUND_MS = 60_000
_TRIMS = re.compile(r"[<>]/")
"""Operators between native histograms and numbers."""
_OF_QUERY = re.compile(r"(start|end|range|step)\(\)")


def _faulty(command: Faulty) -> Result:
    return Result(command, Outcome.FAILED, command.error.reason)


class _Mismatch(Exception):
    """The answer is not what is expected."""

    def __init__(self, reason: str, expected: Sequence[str] = (), got: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expected = tuple(expected)
        self.got = tuple(got)


def _evaluate(command: Eval, engine: Engine, reader: MemoryReader) -> Result:
    if command.expects_histograms or _TRIMS.search(command.text):
        return Result(command, Outcome.UNSUPPORTED, "native histograms are not supported")
    try:
        _check(command, engine, reader)
    except OpaqueSelected as error:
        return Result(command, Outcome.UNSUPPORTED, error.message)
    except _Mismatch as mismatch:
        return Result(command, Outcome.FAILED, mismatch.reason, mismatch.expected, mismatch.got)
    return Result(command, Outcome.PASSED)


def _check(command: Eval, engine: Engine, reader: MemoryReader) -> None:
    times = command.times
    try:
        # A tree has no text, so remarks come without their place, as Prometheus' runner sees them.
        tree = parse(command.text)
        if command.is_instant:
            answer = engine.instant(tree, times.start_ms, reader)
        else:
            answer = engine.range(tree, times.start_ms, times.end_ms, times.step_ms, reader)
    except OpaqueSelected:
        raise
    except UserError as error:
        _check_failure(command, error)
        return
    if failures := command.expects(Remark.FAIL):
        raise _Mismatch(
            "the query was to fail, and has an answer",
            [str(one) for one in failures],
            _answer_lines(command, answer),
        )
    _check_remarks(command, Remark.WARN, answer.warnings)
    _check_remarks(command, Remark.INFO, answer.infos)
    _check_value(command, answer)
    # A range query has no order, and these functions answer something else there.
    comparable = command.is_instant and not command.ordered and not _OF_QUERY.search(command.text)
    if comparable and answer.value_type in {ValueType.INSTANT_VECTOR, ValueType.SCALAR}:
        _check_as_range(command, engine, reader)


def _check_failure(command: Eval, error: HydrantError) -> None:
    failures = command.expects(Remark.FAIL)
    if not failures:
        raise _Mismatch("the query failed", _expected(command), [error.message]) from error
    for one in failures:
        if not one.accepts(error.message):
            raise _Mismatch(
                "the query failed for another reason", [str(one)], [error.message]
            ) from error


def _check_remarks(command: Eval, remark: Remark, messages: Sequence[str]) -> None:
    expectations = command.expects(remark)
    if remark in command.forbidden and messages:
        raise _Mismatch("a remark that must not be made", [f"no {remark}"], messages)
    for one in expectations:
        if not any(one.accepts(message) for message in messages):
            raise _Mismatch("a remark is missing", [str(one)], messages or ["(nothing)"])
    if expectations:
        others = [text for text in messages if not any(one.accepts(text) for one in expectations)]
        if others:
            raise _Mismatch(
                "a remark that no expect names", [str(one) for one in expectations], others
            )


def _check_value(command: Eval, answer: Answer) -> None:
    kind = _expected_type(command)
    if command.is_instant and kind is not answer.value_type:
        raise _Mismatch(
            f"the answer is a {answer.value_type}, not a {kind}",
            _expected(command),
            _answer_lines(command, answer),
        )
    if kind is ValueType.SCALAR:
        equal = command.scalar is not None and almost_equal(command.scalar, _scalar(answer))
    elif kind is ValueType.STRING:
        equal = answer.string == command.string
    else:
        rows = _rows(answer)
        equal = not series_differ(command.series, rows, _times(command))
        if equal and command.ordered:
            equal = [line.labels for line in command.series] == list(rows)
    if not equal:
        reason = "the answer is another"
        raise _Mismatch(reason, _expected(command), _answer_lines(command, answer))


def _expected_type(command: Eval) -> ValueType:
    if command.scalar is not None:
        return ValueType.SCALAR
    if command.string is not None:
        return ValueType.STRING
    if command.range_vector or not command.is_instant:
        return ValueType.RANGE_VECTOR
    return ValueType.INSTANT_VECTOR


def _check_as_range(command: Eval, engine: Engine, reader: MemoryReader) -> None:
    at_ms = command.times.start_ms
    start_ms, end_ms = at_ms - _AROUND_MS, at_ms + _AROUND_MS
    try:
        answer = engine.range(command.text, start_ms, end_ms, _AROUND_MS, reader)
    except OpaqueSelected:
        # The steps on either side see other samples.
        return
    except UserError as error:
        raise _Mismatch(
            "the query fails as a range query around its time", _expected(command), [error.message]
        ) from error
    rows = {labels: {at_ms: row[at_ms]} for labels, row in _rows(answer).items() if at_ms in row}
    if command.scalar is not None:
        equal = rows.keys() == {()} and almost_equal(command.scalar, rows[()][at_ms])
    else:
        equal = not series_differ(command.series, rows, [at_ms])
    if not equal:
        raise _Mismatch(
            "the answer is another in a range query around its time",
            _expected(command),
            got_lines(rows, [at_ms], rows),
        )


def _times(command: Eval) -> Sequence[int]:
    period: Period = command.range_vector or command.times
    return [period.start_ms + index * period.step_ms for index in range(period.count)]


def _rows(answer: Answer) -> Mapping[LabelSet, Row]:
    """The series of an answer by labels, in its order, without those that have no values."""
    rows: dict[LabelSet, dict[int, float]] = {}
    if answer.samples is not None:
        for part in answer.samples:
            for labels, values, present in zip(part.labels, part.values, part.present, strict=True):
                rows[labels] = _row(part.times[present].tolist(), values[present].tolist())
    if answer.vector is not None:
        vector = answer.vector
        for labels, values, present in zip(
            vector.labels, vector.values, vector.present, strict=True
        ):
            rows[labels] = _row(answer.times[present].tolist(), values[present].tolist())
    return {labels: row for labels, row in rows.items() if row}


def _row(times: Sequence[int], values: Sequence[float]) -> dict[int, float]:
    return dict(zip(times, values, strict=True))


def _scalar(answer: Answer) -> float:
    return float("nan") if answer.scalar is None else float(answer.scalar[0])


def _expected(command: Eval) -> list[str]:
    if command.scalar is not None:
        return [write_point(command.scalar)]
    if command.string is not None:
        return [repr(command.string)]
    return expected_lines(command.series)


def _answer_lines(command: Eval, answer: Answer) -> list[str]:
    if answer.value_type is ValueType.SCALAR and answer.vector is None:
        return [write_point(_scalar(answer))]
    if answer.value_type is ValueType.STRING:
        return [repr(answer.string)]
    rows = _rows(answer)
    return got_lines(rows, _times(command), rows)
