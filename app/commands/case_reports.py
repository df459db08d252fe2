"""What a run of tests of rules prints and returns."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import typer

from app.commands.counting import counted
from app.errors import NotFound, RuleError
from app.rules.cases import find_case_files


class Case(Protocol):
    """A test of a file."""

    @property
    def name(self) -> str: ...
    @property
    def line(self) -> int: ...


class CaseResult(Protocol):
    """A test that was run, and what is wrong with it."""

    @property
    def case(self) -> Case: ...
    @property
    def differences(self) -> Sequence[str]: ...


class FileResult(Protocol):
    """The tests of a file."""

    @property
    def cases(self) -> Sequence[CaseResult]: ...
    @property
    def failed(self) -> int: ...


def run_case_files(paths: Sequence[Path], run: Callable[[Path], FileResult]) -> None:
    """Run the test files of ``paths`` and print what came of it.

    Ends the command with status 1 if anything failed or cannot be read. Raises ``NotFound`` where
    there are no tests.
    """
    files = list(dict.fromkeys(file for path in paths for file in find_case_files(path)))
    if not files:
        raise NotFound(f"there are no test files below {', '.join(map(str, paths))}")
    passed = failed = 0
    for file in files:
        try:
            result = run(file)
        except RuleError as error:
            typer.echo(f"error: {error}")
            failed += 1
            continue
        passed += len(result.cases) - result.failed
        failed += result.failed
        state = f"FAILED, {result.failed} of" if result.failed else "passed,"
        typer.echo(f"{file}: {state} {counted(len(result.cases), 'test')}")
        for case in result.cases:
            if case.differences:
                typer.echo(f"  {case.case.name} ({file}:{case.case.line})")
            for difference in case.differences:
                typer.echo(f"    {difference}")
    typer.echo(f"{passed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)
