"""Answers for the labels asked about last: once per labels, never of a failure."""

import pytest

from app.mal.frames import Labels
from app.mal.remembering import remembering


def test_the_same_labels_are_asked_about_once() -> None:
    asked: list[Labels] = []

    @remembering
    def count(labels: Labels) -> int:
        asked.append(labels)
        return len(asked)

    one, other = {"a": "1"}, {"a": "1"}
    assert [count(one), count(one), count(other), count(one)] == [1, 1, 2, 3]


def test_a_failure_is_not_an_answer() -> None:
    calls = []

    @remembering
    def fail(labels: Labels) -> None:
        calls.append(labels)
        raise ValueError("no")

    labels = {"a": "1"}
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            fail(labels)
    assert len(calls) == 2
