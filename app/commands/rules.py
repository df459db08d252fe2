"""``hydrant rules``: check rule files and run their tests."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.counting import counted
from app.commands.options import SettingsFile

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files and directories; default: the rules in use"),
]


def check(paths: Paths = None, settings_file: SettingsFile = None) -> None:
    """Report every error of every rule file at once, and what is probably a mistake."""
    from app.catalog import load_statistic_catalog
    from app.rules.checking import check_rule_files, find_rule_files

    files = find_rule_files(paths or [_rules_in_use(settings_file)])
    report = check_rule_files(files, load_statistic_catalog())
    for error in report.errors:
        typer.echo(f"error: {error}")
    for warning in report.warnings:
        typer.echo(f"warning: {warning}")
    if not report.is_complete:
        typer.echo("there are more errors; these are the first")
    typer.echo(
        f"{counted(report.files, 'file')}, {counted(report.rules, 'rule')},"
        f" {counted(report.metrics, 'metric')}: {counted(len(report.errors), 'error')},"
        f" {counted(len(report.warnings), 'warning')}"
    )
    if report.errors:
        raise typer.Exit(1)


def run_tests(paths: Paths = None, settings_file: SettingsFile = None) -> None:
    """Run the tests of rules, files called X.test.yaml beside X.yaml."""
    from app.catalog import load_statistic_catalog
    from app.errors import NotFound, RuleError
    from app.rules.cases import find_case_files
    from app.rules.testing import run_case_file

    wanted = paths or [_rules_in_use(settings_file)]
    files = list(dict.fromkeys(file for path in wanted for file in find_case_files(path)))
    if not files:
        raise NotFound(f"there are no test files below {', '.join(map(str, wanted))}")
    catalog = load_statistic_catalog()
    passed = failed = 0
    for file in files:
        try:
            result = run_case_file(file, catalog)
        except RuleError as error:
            typer.echo(f"error: {error}")
            failed += 1
            continue
        passed += len(result.cases) - result.failed
        failed += result.failed
        state = f"FAILED, {result.failed} of" if result.failed else "passed,"
        typer.echo(f"{file}: {state} {counted(len(result.cases), 'test')}")
        for run in result.cases:
            if run.differences:
                typer.echo(f"  {run.case.name} ({file}:{run.case.line})")
            for difference in run.differences:
                typer.echo(f"    {difference}")
    typer.echo(f"{passed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


def _rules_in_use(settings_file: Path | None) -> Path:
    from app.settings import load_settings

    return load_settings(settings_file).rules
