"""``hydrant promql test``: what it prints and returns."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import application
from app.errors import NotFound

GOOD = """load 1m
    requests 0+60x10

eval instant at 5m rate(requests[5m])
    {} 1
"""
BAD = f"""{GOOD}
eval instant at 5m requests
    requests 299
"""
NATIVE = """load 1m
    native {{schema:0}}x5

eval instant at 1m native
    native {{schema:0}}
"""


def hydrant(*arguments: object) -> Result:
    return CliRunner().invoke(application, ["promql", "test", *map(str, arguments)])


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "good.test").write_text(GOOD, encoding="utf-8")
    (tmp_path / "deep" / "native.test").write_text(NATIVE, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no script", encoding="utf-8")
    return tmp_path


def test_a_directory_stands_for_the_scripts_below_it(scripts: Path) -> None:
    result = hydrant(scripts)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{scripts}/deep/native.test: unsupported, 1 query",
        f"{scripts}/good.test: passed, 1 query",
        "1 passed, 0 failed, 1 unsupported",
    ]


def test_a_pattern_stands_for_the_files_it_matches(scripts: Path) -> None:
    result = hydrant(scripts / "go*.test", scripts / "good.test")
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "1 passed, 0 failed, 0 unsupported"


def test_a_failure_is_shown_with_its_place_and_both_answers(scripts: Path) -> None:
    bad = scripts / "bad.test"
    bad.write_text(BAD, encoding="utf-8")
    result = hydrant(bad)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{bad}: FAILED, 1 of 2 queries",
        f"  {bad}:7: failed: requests",
        "    the answer is another",
        "    expected:",
        "      requests 299",
        "    got:",
        "      requests 300",
        "1 passed, 1 failed, 0 unsupported",
    ]


def test_verbose_names_every_query(scripts: Path) -> None:
    lines = hydrant("--verbose", scripts).output.splitlines()
    assert f"  {scripts}/good.test:4: passed: rate(requests[5m])" in lines
    assert f"  {scripts}/deep/native.test:4: unsupported: native" in lines


def test_what_cannot_be_read_does_not_stop_the_rest(scripts: Path) -> None:
    (scripts / "a.test").write_text("load 1m\n    a 1 two\n", encoding="utf-8")
    (scripts / "b.test").write_bytes(b"\xff\xfe")
    result = hydrant(scripts)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[1] == f"  {scripts}/a.test:2: failed: a 1 two"
    assert lines[2].startswith("    'two' is no point")
    assert lines[3].startswith(f"error: {scripts}/b.test: cannot be read")
    assert lines[-1] == "1 passed, 2 failed, 1 unsupported"


def test_paths_without_scripts_are_errors(tmp_path: Path) -> None:
    for given in (tmp_path, tmp_path / "none.test", tmp_path / "*.test"):
        assert isinstance(hydrant(given).exception, NotFound)


def test_a_name_that_no_file_can_have_is_not_there() -> None:
    result = hydrant("a" * 5_000)
    assert isinstance(result.exception, NotFound)
    assert "no test script aaa" in result.exception.message
    assert "too long" in result.exception.message
