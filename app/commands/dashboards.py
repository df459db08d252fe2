"""``hydrant dashboards``: check files of dashboards, and print their format."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.commands.counting import counted
from app.commands.options import SettingsFile

application = typer.Typer(help="Work with dashboards.", no_args_is_help=True)

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files and directories; default: those in use"),
]


@application.command()
def check(paths: Paths = None, settings_file: SettingsFile = None) -> None:
    """Report every error of every dashboard, and what is probably a mistake."""
    from app.catalog import load_statistic_catalog
    from app.dashboards.files import directories, find_dashboard_files, read_dashboard_files
    from app.dashboards.suspicions import KnownMetrics, metrics_of_rules, suspicions
    from app.settings import load_settings

    settings = load_settings(settings_file)
    found = [
        read_dashboard_files(find_dashboard_files(each))
        for each in ([paths] if paths else [[d] for d in directories(settings.dashboards)])
    ]
    dashboards = [dashboard for read, _ in found for dashboard in read]
    errors = [error for _, faults in found for fault in faults for error in fault.errors]
    known = KnownMetrics(metrics_of_rules(settings.rules), load_statistic_catalog())
    warnings = [warning for each in dashboards for warning in suspicions(each, known)]
    for error in errors:
        typer.echo(f"error: {error}")
    for warning in warnings:
        typer.echo(f"warning: {warning}")
    files = len(dashboards) + sum(len(faults) for _, faults in found)
    widgets = sum(len(each.widgets) for each in dashboards)
    typer.echo(
        f"{counted(files, 'file')}, {counted(len(dashboards), 'dashboard')},"
        f" {counted(widgets, 'widget')}: {counted(len(errors), 'error')},"
        f" {counted(len(warnings), 'warning')}"
    )
    if errors:
        raise typer.Exit(1)


@application.command()
def schema() -> None:
    """Print the JSON Schema of a dashboard's file, for editors."""
    from app.dashboards.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
