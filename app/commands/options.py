"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="Settings file; default: hydrant.toml, if there")
]
Database = Annotated[str | None, typer.Option(help="URL of the database (HYDRANT_DATABASE)")]
Rules = Annotated[Path | None, typer.Option(help="Directory of rule files (HYDRANT_RULES)")]
