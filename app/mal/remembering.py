"""Answers for the labels asked about last.

The labels of new series are pushed into every family that they give, one after the other; what a
file's filter and prefix make of them is the same each time.
"""

from collections.abc import Callable
from typing import TypeVar

L = TypeVar("L")
T = TypeVar("T")


def remembering(function: Callable[[L], T]) -> Callable[[L], T]:
    """The function, computed anew only for other labels than the last time.

    Labels are told apart by identity: they are never changed once handed on. What is raised is not
    remembered.
    """
    asked: list[L] = []
    answered: list[T] = []

    def answer(labels: L) -> T:
        if not asked or asked[0] is not labels:
            result = function(labels)
            asked[:], answered[:] = [labels], [result]
        return answered[0]

    return answer
