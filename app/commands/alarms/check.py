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
    from app.alarms.notifications.channel_file import read_channels
    from app.alarms.suspicions import suspicions
    from app.catalog import load_statistic_catalog
    from app.errors import RuleError
    from app.settings import load_settings

    settings = load_settings(settings_file)
    found = read_alarm_files(find_alarm_files(paths or [settings.alarm_rules]))
    errors: list[RuleError] = [*found.errors]
    channels: set[str] | None = None
    if settings.alarm_channels is not None:
        read = read_channels(settings.alarm_channels, settings.secrets_directory)
        errors += read.errors
        channels = {channel.name for channel in read.channels}
    for error in errors:
        typer.echo(f"error: {error}")
    warnings = suspicions(found.rules.rules, load_statistic_catalog(), channels)
    for warning in warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(
        f"{counted(found.files, 'file')}, {counted(len(found.rules.rules), 'alarm')}:"
        f" {counted(len(errors), 'error')}, {counted(len(warnings), 'warning')}"
    )
    if errors:
        raise typer.Exit(1)
