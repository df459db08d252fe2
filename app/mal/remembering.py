"""Answers for the labels asked about last.

A series' labels are pushed into every family that it gives, one after the other; what a file's
filter and prefix make of them is the same each time.
"""

from collections.abc import Callable
from typing import TypeVar

from app.mal.frames import Labels

T = TypeVar("T")


def remembering(function: Callable[[Labels], T]) -> Callable[[Labels], T]:
    """The function, computed anew only for other labels than the last time.

    Labels are told apart by identity: they are never changed once handed on. What is raised is not
    remembered.
    """
    asked: list[Labels] = []
    answered: list[T] = []

    def answer(labels: Labels) -> T:
        if not asked or asked[0] is not labels:
            result = function(labels)
            asked[:], answered[:] = [labels], [result]
        return answered[0]

    return answer
