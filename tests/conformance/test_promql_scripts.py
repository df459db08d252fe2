"""Our own scripts in the language of promqltest, run by the code that users run."""

import re
from pathlib import Path

import pytest

from app.clock import SystemClock
from app.promql.engine import Engine, Limits
from app.promql.testing import Outcome, run_file, run_script

SCRIPTS = sorted((Path(__file__).parent / "promql").glob("*.test"))
PAGE = Path(__file__).resolve().parents[2] / "docs" / "promql-tests.md"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script(script: Path) -> None:
    results = run_file(script, Engine(Limits(), SystemClock(), delayed_name_removal=True))
    failed = [one for one in results if one.outcome is Outcome.FAILED]
    assert failed == []
    assert len(results) > 5


def test_the_example_of_the_documentation_passes() -> None:
    page = PAGE.read_text("utf-8")
    example = re.search(r"^```promqltest\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert example
    results = run_script(example[1], Engine(Limits(), SystemClock()))
    assert [result for result in results if result.outcome is not Outcome.PASSED] == []
    assert f"passed, {len(results)} queries" in page
