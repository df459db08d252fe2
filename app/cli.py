"""The command line: ``hydrant``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app import __version__
from app.commands.alarms import application as alarms_application
from app.commands.backfill import backfill
from app.commands.dashboards import application as dashboards_application
from app.commands.dynamodb import application as dynamodb_application
from app.commands.explain import explain
from app.commands.gap_backfill import backfill as gap_backfill
from app.commands.health import health
from app.commands.mal import application as mal_application
from app.commands.mark import mark
from app.commands.options import Database, Rules, SettingsFile
from app.commands.promql import application as promql_application
from app.commands.replay import replay
from app.commands.rules import check, run_tests
from app.commands.sql import sql
from app.errors import HydrantError
from app.simulator.command import simulate

application = typer.Typer(
    name="hydrant",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - what typer hands over
    if wanted:
        typer.echo(f"hydrant {__version__}")
        raise typer.Exit


@application.callback()
def of_all_commands(
    version: Annotated[  # noqa: FBT002 - an option
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit"
        ),
    ] = False,
) -> None:
    """CloudWatch metric streams in your own SQL database, exact to the last bit."""


@application.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind (HYDRANT_HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind (HYDRANT_PORT)")] = None,
    database: Database = None,
    rules: Rules = None,
    settings_file: SettingsFile = None,
) -> None:
    """Receive metric streams, evaluate rules, answer queries."""
    from app.settings import Settings, load_settings

    def read_settings() -> Settings:
        return load_settings(settings_file, host=host, port=port, database=database, rules=rules)

    settings = read_settings()
    # What is wrong with the settings is said before the server is loaded, which takes a second.
    from app import process
    from app.logs import configure_logs

    configure_logs(level=settings.log_level, as_json=settings.log_format == "json")
    process.serve(settings, read_settings)


@application.command()
def migrate(database: Database = None, settings_file: SettingsFile = None) -> None:
    """Bring the database's schema to this release."""
    from app.settings import load_settings
    from app.storage import Store

    store = Store(load_settings(settings_file, database=database).database)
    try:
        store.migrate()
        typer.echo(f"{store.description} has this release's schema")
    finally:
        store.close()


@application.command()
def demo(
    directory: Annotated[Path, typer.Option(help="Where the demo keeps its database")] = Path(
        "var/demo"
    ),
    port: Annotated[int, typer.Option(help="Port to bind")] = 12801,
    tables: Annotated[int, typer.Option(help="DynamoDB tables to simulate")] = 20,
    seconds: Annotated[
        float | None, typer.Option(help="Stop after this long; default: at Ctrl-C")
    ] = None,
) -> None:
    """Run the server on SQLite with a simulated account streaming into it."""
    from app.demo import run_demo

    run_demo(directory, port, tables, seconds)


rules_application = typer.Typer(help="Work with rules.", no_args_is_help=True)
rules_application.command()(check)
rules_application.command("test")(run_tests)
rules_application.command()(backfill)
rules_application.command()(explain)

application.command()(health)
application.command()(mark)
application.command()(replay)
application.command()(simulate)
application.command()(sql)
application.command("backfill")(gap_backfill)
application.add_typer(dashboards_application, name="dashboards")
application.add_typer(dynamodb_application, name="dynamodb")
application.add_typer(rules_application, name="rules")
application.add_typer(alarms_application, name="alarms")
application.add_typer(mal_application, name="mal")
application.add_typer(promql_application, name="promql")


def main() -> None:
    """Entry point of the console script; known errors are one line and exit status 1."""
    try:
        application()
    except HydrantError as error:
        typer.echo(f"hydrant: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
