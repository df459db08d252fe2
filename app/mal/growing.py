"""What is worked out of columns that only ever grow."""

from collections.abc import Callable, Sized
from typing import Generic, TypeVar

T = TypeVar("T")


class Remade(Generic[T]):
    """The result of a function of some columns, made anew only when one of them has grown."""

    __slots__ = ("_columns", "_made", "_make", "_sizes")

    def __init__(self, make: Callable[[], T], *columns: Sized) -> None:
        self._make = make
        self._columns = columns
        self._sizes: list[int] = []
        self._made: T | None = None

    def __call__(self) -> T:
        sizes = [len(column) for column in self._columns]
        if self._made is None or sizes != self._sizes:
            self._made, self._sizes = self._make(), sizes
        return self._made
