"""Parts of an object's content: records, and what stands where one should be."""

from dataclasses import dataclass

from app.otlp import Rejection

MOST_UNREADABLE = 16 * 1024 * 1024
"""Bytes of one object that are set aside before it is given up: the rest is not better."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The bytes of an object's content from ``start`` to before ``end``.

    ``record`` is to be decoded; without one ``rejection`` says why. ``is_whole`` is False for bytes
    that stand between records and may hold anything.
    """

    start: int
    end: int
    record: bytes | None
    rejection: Rejection | None = None
    is_whole: bool = True
