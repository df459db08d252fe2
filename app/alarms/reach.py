"""How far before its time an expression looks at data.

A minute that is corrected concerns all datapoints whose expression reaches back to it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.errors import QueryFailed
from app.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    Paren,
    Subquery,
    Unary,
    VectorSelector,
)
from app.promql.limits import Limits
from app.promql.parsing import bind, parse

LIMITS: Final = Limits(max_samples=50_000_000, max_series=1_000_000, timeout_seconds=30.0)
"""Of one evaluation of one rule: enough for thousands of tables, and an end for what runs away."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The data between ``oldest`` and ``newest`` milliseconds before the time is looked at."""

    oldest: int
    newest: int

    def within(self, other: "_Window") -> "_Window":
        return _Window(self.oldest + other.oldest, self.newest + other.newest)


@lru_cache(1_024)
def reach_ms(expression: str) -> int:
    """How many milliseconds before its time an expression may look at data.

    Raises ``QueryFailed`` for one that looks at a fixed time, or at what comes later: its value
    would not be known when its time has come. Raises ``QuerySyntaxError``.
    """
    windows = _windows(bind(parse(expression), 0, 0, 0))
    if any(window.newest < 0 for window in windows):
        raise QueryFailed(
            "the expression looks at data after its time, by a negative offset, and an alarm is"
            " decided when its time has come; turn the offset round"
        )
    return max((window.oldest for window in windows), default=0)


def _windows(tree: Expression) -> list[_Window]:
    match tree:
        case VectorSelector():
            return [_of_selector(tree, 0)]
        case MatrixSelector(selector, window):
            return [_of_selector(selector, _milliseconds(window))]
        case Subquery():
            _check_time(tree.at)
            offset = _milliseconds(tree.offset)
            step = _milliseconds(tree.step or LIMITS.subquery_step_ms)
            outer = _Window(offset + _milliseconds(tree.window) + step, offset)
            return [outer.within(window) for window in _windows(tree.operand)]
        case Call(_, arguments):
            return [window for argument in arguments for window in _windows(argument)]
        case Aggregation():
            parameter = [] if tree.parameter is None else _windows(tree.parameter)
            return _windows(tree.operand) + parameter
        case Binary():
            return _windows(tree.left) + _windows(tree.right)
        case Unary(_, operand) | Paren(operand):
            return _windows(operand)
    return []


def _of_selector(selector: VectorSelector, window_ms: int) -> _Window:
    _check_time(selector.at)
    offset = _milliseconds(selector.offset)
    # What is smoothed or anchored takes samples from beyond the window, by the lookback.
    beyond = LIMITS.lookback_ms if selector.extension or not window_ms else 0
    after = LIMITS.lookback_ms if selector.extension == "smoothed" else 0
    return _Window(offset + window_ms + beyond, offset - after)


def _check_time(at: object) -> None:
    if at is not None:
        raise QueryFailed(
            "the expression looks at a fixed time, by @, and an alarm is decided by the data of its"
            " own time; use an offset"
        )


def _milliseconds(duration: object) -> int:
    # There are no others once an expression is bound.
    assert isinstance(duration, int)  # noqa: S101
    return duration
