"""Our own scripts in the language of promqltest, run by the code that users run."""

from pathlib import Path

import pytest
from app.promql.engine import Engine, Limits

from app.clock import SystemClock
from app.promql.testing import Outcome, run_file

SCRIPTS = sorted((Path(__file__).parent / "promql").glob("*.test"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script(script: Path) -> None:
    results = run_file(script, Engine(Limits(), SystemClock()))
    failed = [one for one in results if one.outcome is Outcome.FAILED]
    assert failed == []
    assert len(results) > 5
