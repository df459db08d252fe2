"""``hydrant alarms check``: everything that is wrong with files of alarm rules."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.counting import counted
from app.commands.options import SettingsFile

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...", help="Files and directories; default: the alarm rules in use"
    ),
]


def check(paths: Paths = None, settings_file: SettingsFile = None) -> None:
    """Report every error of every file of alarm rules, and what is probably a mistake."""
    from app.alarms.files import find_alarm_files, read_alarm_files
    from app.alarms.suspicions import suspicions
    from app.catalog import load_statistic_catalog
    from app.settings import load_settings

    wanted = paths or [load_settings(settings_file).alarm_rules]
    found = read_alarm_files(find_alarm_files(wanted))
    for error in found.errors:
        typer.echo(f"error: {error}")
    warnings = suspicions(found.rules.rules, load_statistic_catalog())
    for warning in warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(
        f"{counted(found.files, 'file')}, {counted(len(found.rules.rules), 'alarm')}:"
        f" {counted(len(found.errors), 'error')}, {counted(len(warnings), 'warning')}"
    )
    if found.errors:
        raise typer.Exit(1)
