"""The same samples and the same questions for a real Prometheus and for our engine.

Debian's Prometheus is 2.42; tests/fixtures/promql_questions.py lists what 3 does differently, and
how the questions stay clear of it.
"""

import sys
from collections import Counter

import pytest

from app.clock import SystemClock
from app.promql.engine import Engine, Limits
from app.promql.testing import MemoryReader
from tests.fixtures.prometheus import running_prometheus
from tests.fixtures.promql_data import GeneratedSeries, generate_series
from tests.fixtures.promql_questions import generate_questions
from tests.fixtures.promql_replies import (
    EngineRespondent,
    HttpRespondent,
    Question,
    Reply,
    difference,
    worded_alike,
)

SEED = 5
RANDOM_EXPRESSIONS = 300
QUESTIONS_AT_LEAST = 3000


@pytest.fixture(scope="module")
def series() -> list[GeneratedSeries]:
    return generate_series(SEED)


@pytest.fixture(scope="module")
def answered(
    series: list[GeneratedSeries], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Question, Reply]]:
    """Questions, with what the real one answers."""
    questions = generate_questions(SEED, RANDOM_EXPRESSIONS)
    with running_prometheus(series, tmp_path_factory.mktemp("prometheus")) as url:
        respondent = HttpRespondent(url, version_2=True)
        try:
            return [(question, respondent.ask(question)) for question in questions]
        finally:
            respondent.close()


@pytest.mark.parametrize(
    ("as_grid", "every"), [(False, 1), (True, 4)], ids=["all", "a_quarter_as_one_grid"]
)
def test_answers_are_those_of_prometheus(
    as_grid: bool,
    every: int,
    series: list[GeneratedSeries],
    answered: list[tuple[Question, Reply]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    reader = MemoryReader((one.in_memory() for one in series), as_grid=as_grid)
    ours = EngineRespondent(Engine(Limits(), SystemClock()), reader)
    assert len(answered) >= QUESTIONS_AT_LEAST
    asked = answered[::every]
    differences = {}
    alike = []
    for question, reply in asked:
        own = ours.ask(question)
        if text := difference(question, reply, own):
            differences[question] = text
        elif reply.failed:
            alike.append(worded_alike(reply, own))
    kinds = Counter("an error" if reply.failed else reply.kind for _, reply in asked)
    empty = sum(not reply.series and not reply.failed and not reply.text for _, reply in asked)
    with capsys.disabled():
        passed = len(asked) - len(differences)
        sys.stdout.write(
            f"\n{passed} of {len(asked)} answers are those of Prometheus"
            f" ({passed / len(asked):.2%}); {dict(kinds)}, {empty} without series;"
            f" {sum(alike)} of {len(alike)} errors are worded alike\n"
        )
    assert not differences, "\n".join(f"{key}: {text}" for key, text in differences.items())
    assert empty < len(asked) / 4
    assert sum(alike) > 0.9 * len(alike)
