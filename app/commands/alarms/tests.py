"""``hydrant alarms test``: runs the tests that stand beside files of alarm rules."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import SettingsFile

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...", help="Files and directories; default: the alarm rules in use"
    ),
]


def run_tests(paths: Paths = None, settings_file: SettingsFile = None) -> None:
    """Run the tests of alarm rules, files called X.test.yaml beside X.yaml."""
    from app.alarms.testing import run_alarm_cases
    from app.commands.case_reports import run_case_files
    from app.settings import load_settings

    run_case_files(paths or [load_settings(settings_file).alarm_rules], run_alarm_cases)
