"""Scalars of an expression: numbers, and ``time()``, which is known only at evaluation."""

from collections.abc import Callable
from dataclasses import dataclass

from app.mal.arithmetic import OPERATORS


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number that may depend on the time in seconds; ``constant`` where it does not."""

    at: Callable[[float], float]
    constant: float | None = None

    @property
    def is_negative(self) -> bool:
        """Whether the number is known to be below zero; times are not."""
        return self.constant is not None and self.constant < 0

    def negated(self) -> "Scalar":
        """The number with its sign turned."""
        return number(0.0).combined("-", self)

    def combined(self, symbol: str, other: "Scalar") -> "Scalar":
        """Two scalars under an operator. Raises ``ZeroDivisionError``."""
        apply = OPERATORS[symbol]
        if self.constant is not None and other.constant is not None:
            return number(float(apply(self.constant, other.constant)))
        if symbol == "/" and other.constant == 0:
            raise ZeroDivisionError
        return Scalar(lambda now: float(apply(self.at(now), other.at(now))))


def number(value: float) -> Scalar:
    """A scalar that is always the same."""
    return Scalar(lambda _: value, value)


NOW = Scalar(lambda now: now)
"""``time()``: the seconds since the epoch at which the evaluated minute ends."""
