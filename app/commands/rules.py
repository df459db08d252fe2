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
    from app.commands.case_reports import run_case_files
    from app.rules.testing import run_case_file

    catalog = load_statistic_catalog()
    wanted = paths or [_rules_in_use(settings_file)]
    run_case_files(wanted, lambda file: run_case_file(file, catalog))


def _rules_in_use(settings_file: Path | None) -> Path:
    from app.settings import load_settings

    return load_settings(settings_file).rules
