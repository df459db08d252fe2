"""``hydrant rules backfill``: values of metrics for minutes of the past."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.clock import minute_text
from app.commands.counting import counted
from app.commands.options import Database, Rules, SettingsFile

if TYPE_CHECKING:
    from app.pipeline import Backfill

_INTERRUPTED = 130


def backfill(  # noqa: PLR0917 - Typer turns the parameters into options, in this order
    since: Annotated[str, typer.Option(help="First time: RFC 3339 or Unix time")],
    metrics: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Metrics to evaluate")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Time to stop before; default: the newest points")
    ] = None,
    all_metrics: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--all", help="Evaluate every metric")
    ] = False,
    database: Database = None,
    rules: Rules = None,
    settings_file: SettingsFile = None,
) -> None:
    """Evaluate rules over stored points, and store their values; may run beside a server.

    Missing points are for hydrant backfill.
    """
    from app.catalog import load_statistic_catalog
    from app.clock import LAST_MS, SystemClock
    from app.errors import InvalidParameter
    from app.pipeline import Backfill
    from app.query import parse_time_ms
    from app.rules import load_rule_directory
    from app.settings import load_settings
    from app.storage import Store

    start_ms = parse_time_ms("--since", since)
    end_ms = LAST_MS if until is None else parse_time_ms("--until", until)
    if end_ms <= start_ms:
        raise InvalidParameter("--until", "the end must be after --since")
    if all_metrics is bool(metrics):
        raise InvalidParameter("NAME", "name the metrics to evaluate, or give --all")
    settings = load_settings(settings_file, database=database, rules=rules)
    files = load_rule_directory(settings.rules)
    names = metrics or sorted({rule.name for file in files for rule in file.rules})
    store = Store(settings.database, readers=1, create=False)
    try:
        store.check()
        work = Backfill(store, files, load_statistic_catalog(), SystemClock(), names)
        _evaluate(work, work.minutes(start_ms, end_ms))
    finally:
        store.close()


def _evaluate(work: "Backfill", wanted: Sequence[int]) -> None:
    """Evaluate minutes, show how far it is, and say what came of it."""
    minutes = values = written = failed = 0
    first = ""
    try:
        with typer.progressbar(wanted, label="evaluating", file=sys.stderr) as progress:
            for minute in progress:
                done = work.evaluate(minute)
                minutes += 1
                values += done.values
                written += done.written
                failed += len(done.faults)
                if done.faults and not first:
                    fault = done.faults[0]
                    first = f"{fault.definition.place}: {fault.definition.name}"
                    first += f" at {minute_text(minute)}: {fault.error}"
    except KeyboardInterrupt:
        following = minute_text(wanted[min(minutes, len(wanted) - 1)])
        typer.echo(
            f"interrupted: {minutes} of {len(wanted)} minutes are done;"
            f" to go on, run it again with --since {following}",
            err=True,
        )
        raise typer.Exit(_INTERRUPTED) from None
    typer.echo(
        f"evaluated {counted(minutes, 'minute')}: {counted(values, 'value')},"
        f" {counted(written, 'row')} written or deleted"
    )
    if failed:
        typer.echo(f"rules failed {counted(failed, 'time')}, first {first}", err=True)
        raise typer.Exit(1)
