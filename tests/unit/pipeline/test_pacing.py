"""How long the evaluator rests."""

import pytest

from app.pipeline.pacing import rest_seconds


@pytest.mark.parametrize("took", [0.0, 0.001, 0.02, 0.05, 0.1, 0.2, 0.25])
def test_evaluation_takes_a_fifth_of_the_time_at_most(took: float) -> None:
    rest = rest_seconds(took)
    assert 0.1 <= rest <= 1.0
    assert took / (took + rest) <= 0.2 + 1e-9


@pytest.mark.parametrize("took", [0.0, 0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
def test_values_are_there_within_two_seconds(took: float) -> None:
    assert took + rest_seconds(took) + took < 2.0


@pytest.mark.parametrize("took", [0.8, 1.5, 60.0])
def test_slow_rounds_are_not_made_slower(took: float) -> None:
    assert rest_seconds(took) == 0.5
