"""``hydrant promql``: tests of queries."""

from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.promql.testing import Outcome, Result

_MOST_SHOWN = 200

application = typer.Typer(help="Work with queries.", no_args_is_help=True)

Scripts = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Test scripts, directories of *.test, patterns"),
]


@application.callback()
def of_all_promql_commands() -> None:
    """Work with queries."""


@application.command("test")
def run_tests(
    files: Scripts,
    verbose: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--verbose", "-v", help="Also name the queries that passed")
    ] = False,
) -> None:
    """Run test scripts in the language of Prometheus' promqltest."""
    from app.clock import SystemClock
    from app.errors import ScriptError
    from app.promql.engine import Engine, Limits
    from app.promql.testing import Outcome, run_file

    # As Prometheus runs its own scripts.
    engine = Engine(Limits(), SystemClock(), delayed_name_removal=True)
    totals = dict.fromkeys(Outcome, 0)
    for file in dict.fromkeys(script for given in files for script in _scripts(given)):
        try:
            results = run_file(file, engine)
        except ScriptError as error:
            typer.echo(f"error: {error}")
            totals[Outcome.FAILED] += 1
            continue
        counts = {kind: sum(one.outcome is kind for one in results) for kind in Outcome}
        typer.echo(f"{file}: {_summary(counts)}")
        for result in results:
            if verbose or result.outcome is Outcome.FAILED:
                _print_result(file, result)
        for kind, count in counts.items():
            totals[kind] += count
    typer.echo(", ".join(f"{count} {kind}" for kind, count in totals.items()))
    if totals[Outcome.FAILED]:
        raise typer.Exit(1)


def _scripts(given: str) -> list[Path]:
    from app.errors import NotFound

    path = Path(given)
    try:
        is_directory, is_there = path.is_dir(), path.exists()
    except OSError as error:
        # Such as a name that no file can have, because it is longer.
        raise NotFound(
            f"there is no test script {given[:_MOST_SHOWN]}: {error.strerror}"
        ) from error
    if is_directory:
        found = sorted(path.rglob("*.test"))
        if not found:
            raise NotFound(f"there are no test scripts (*.test) below {path}")
        return found
    if is_there:
        return [path]
    # A shell that does not expand patterns, or one in quotes.
    matches = [Path(name) for name in sorted(glob(given, recursive=True))]  # noqa: PTH207
    if not matches:
        raise NotFound(f"there is no test script {given}")
    return matches


def _summary(counts: "dict[Outcome, int]") -> str:
    by_name = {str(kind): count for kind, count in counts.items()}
    number, failed = sum(by_name.values()), by_name["failed"]
    queries = f"{number} {'query' if number == 1 else 'queries'}"
    state = f"FAILED, {failed} of {queries}" if failed else f"passed, {queries}"
    unsupported = by_name["unsupported"]
    if unsupported and unsupported == number:
        return f"unsupported, {queries}"
    return f"{state}, {unsupported} unsupported" if unsupported else state


def _print_result(file: Path, result: "Result") -> None:
    typer.echo(f"  {file}:{result.command.line}: {result.outcome}: {result.command.text}")
    if result.reason:
        typer.echo(f"    {result.reason}")
    for name, lines in (("expected", result.expected), ("got", result.got)):
        if lines:
            typer.echo(f"    {name}:")
        for line in lines:
            typer.echo(f"      {line}")
