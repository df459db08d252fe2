"""Answers that take long are worked out once, kept for a while, and shown with their age."""

import threading
from collections.abc import Hashable
from dataclasses import dataclass

import pytest

from app.clock import ManualClock
from app.errors import ResultTooLarge
from app.web.remembered import Remembered


@dataclass(frozen=True)
class _Question:
    minute: int
    subject: Hashable = "range"


class _Work:
    """Answers with the number of its call; takes ``seconds`` of the clock, and can be held up."""

    def __init__(self, clock: ManualClock, seconds: float = 0.0) -> None:
        self.clock, self.seconds = clock, seconds
        self.may_go = threading.Event()
        self.may_go.set()
        self.calls: list[_Question] = []

    def __call__(self, question: _Question) -> int:
        self.calls.append(question)
        assert self.may_go.wait(20)
        self.clock.advance(self.seconds)
        return len(self.calls)


def _remembered(
    seconds: float = 0.0, most: int = 16
) -> tuple[Remembered[_Question, int], _Work, ManualClock]:
    clock = ManualClock(1_000_000)
    work = _Work(clock, seconds)
    return Remembered(clock, work, most=most), work, clock


def test_an_answer_is_kept_for_a_while() -> None:
    remembered, work, clock = _remembered()
    for _ in range(3):
        kept = remembered.ask(_Question(1), 20)
        assert kept is not None
        assert (kept.value, kept.at_ms, kept.stale) == (1, 1_000_000, False)
    clock.advance(5)
    again = remembered.ask(_Question(1), 20)
    assert again is not None
    assert again.value == len(work.calls) == 2


def test_a_quick_answer_is_of_its_own_minute_alone() -> None:
    remembered, work, _ = _remembered()
    assert remembered.ask(_Question(1), 20)
    assert remembered.ask(_Question(2), 20)
    assert work.calls == [_Question(1), _Question(2)]


def test_a_slow_answer_is_kept_twenty_times_as_long() -> None:
    remembered, work, clock = _remembered(seconds=2.0)
    assert remembered.ask(_Question(1), 20)
    clock.advance(39)
    assert remembered.ask(_Question(2), 20)
    assert len(work.calls) == 1
    clock.advance(1)
    newer = remembered.ask(_Question(2), 20)
    assert newer is not None
    assert newer.value == 2


def test_meanwhile_there_is_nothing_or_an_older_answer() -> None:
    remembered, work, clock = _remembered(seconds=2.0)
    work.may_go.clear()
    assert remembered.ask(_Question(1), 0.01) is None
    assert remembered.ask(_Question(1), 0.01) is None
    work.may_go.set()
    assert remembered.ask(_Question(1), 20)
    assert len(work.calls) == 1
    work.may_go.clear()
    clock.advance(60)
    older = remembered.ask(_Question(2), 0.01)
    assert older is not None
    assert (older.value, older.stale) == (1, True)
    work.may_go.set()
    newer = remembered.ask(_Question(2), 20)
    assert newer is not None
    assert (newer.value, newer.stale) == (2, False)


def test_a_failure_is_told_and_tried_again() -> None:
    clock = ManualClock()
    failures = [ResultTooLarge("too many"), ValueError("a bug")]

    def work(question: _Question) -> int:
        if failures:
            raise failures.pop(0)
        return question.minute

    remembered = Remembered(clock, work)
    with pytest.raises(ResultTooLarge):
        remembered.ask(_Question(1), 20)
    with pytest.raises(ResultTooLarge):
        remembered.ask(_Question(1), 20)
    clock.advance(5)
    with pytest.raises(ValueError, match="a bug"):
        remembered.ask(_Question(1), 20)
    clock.advance(5)
    kept = remembered.ask(_Question(1), 20)
    assert kept is not None
    assert kept.value == 1


def test_no_more_subjects_are_kept_than_may_be() -> None:
    remembered, work, _ = _remembered(most=2)
    for subject in (1, 2, 3, 3, 2):
        assert remembered.ask(_Question(0, subject), 20)
    assert [each.subject for each in work.calls] == [1, 2, 3]
    assert remembered.ask(_Question(0, 1), 20)
    assert len(work.calls) == 4


def test_everybody_who_waits_is_told_what_failed() -> None:
    may_go = threading.Event()

    def work(question: _Question) -> int:
        assert may_go.wait(20)
        raise ResultTooLarge(f"too many in {question.minute}")

    remembered = Remembered(ManualClock(), work)
    told: list[str] = []

    def ask() -> None:
        try:
            remembered.ask(_Question(1), 20)
        except ResultTooLarge as error:
            told.append(error.message)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    may_go.set()
    for thread in threads:
        thread.join(20)
    assert told == ["too many in 1"] * 4


def test_no_more_questions_are_worked_at_than_are_kept() -> None:
    remembered, work, _ = _remembered(most=3)
    work.may_go.clear()
    before = threading.active_count()
    for subject in range(50):
        assert remembered.ask(_Question(0, subject), 0.0) is None
    assert threading.active_count() - before <= 3
    work.may_go.set()
    assert remembered.ask(_Question(0, 2), 20)
    assert {each.subject for each in work.calls} <= {0, 1, 2}


def test_many_who_ask_at_once_share_one_answer() -> None:
    remembered, work, _ = _remembered()
    work.may_go.clear()
    found: list[int] = []

    def ask() -> None:
        kept = remembered.ask(_Question(1), 20)
        assert kept is not None
        found.append(kept.value)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    work.may_go.set()
    for thread in threads:
        thread.join(20)
    assert found == [1] * 8
    assert len(work.calls) == 1
