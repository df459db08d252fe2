"""``hydrant alarms replay``: when rules would have fired on the data that is stored."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import Database, SettingsFile
from app.commands.sql_output import Format


class Shown(StrEnum):
    """What is printed."""

    INCIDENTS = "incidents"
    TRANSITIONS = "transitions"


def replay(
    since: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="From when on: a time, or 12h or 7d before now or --until"
        ),
    ],
    *,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Up to when; default: the newest data")
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Directory of alarm rules; default: those in use"),
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this rule; may be repeated")
    ] = None,
    entity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=PATTERN",
            help="Only entities whose label matches the shell pattern; all of several must match",
        ),
    ] = None,
    show: Annotated[
        Shown, typer.Option(help="Times in ALARM, or every change of a state")
    ] = Shown.INCIDENTS,
    form: Annotated[Format, typer.Option("--format", help="How rows are printed")] = Format.TABLE,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Evaluate alarm rules on stored data, and print when they would have fired."""
    from app.alarms import load_alarm_rules
    from app.alarms.replaying import Replay, entity_filter
    from app.catalog import load_statistic_catalog
    from app.clock import SystemClock
    from app.commands.since import parse_since
    from app.query.prometheus import PrometheusData
    from app.query.times import parse_time_ms
    from app.rules import RuleEngine, load_rule_directory
    from app.settings import load_settings
    from app.storage import Store

    settings = load_settings(settings_file, database=database, alarm_rules=rules)
    clock = SystemClock()
    until_ms = None if until is None else parse_time_ms("--until", until)
    since_ms = parse_since(since, clock.now_ms() if until_ms is None else until_ms)
    wanted = entity_filter(entity or ())
    engine = RuleEngine(load_rule_directory(settings.rules), load_statistic_catalog())
    alarm_rules = load_alarm_rules(settings.alarm_rules)
    store = Store(settings.database, readers=1, create=False)
    try:
        store.check()
        prometheus = PrometheusData(store, lambda: engine.definitions)
        replaying = Replay(prometheus, alarm_rules, clock)
        found = replaying.run(since_ms, until_ms, names=rule or (), wanted=wanted)
    finally:
        store.close()
    columns, rows = found.incidents() if show is Shown.INCIDENTS else found.transitions()
    output = form.output(sys.stdout, columns)
    for row in rows:
        output.add(row)
    output.end()
    for name, reason in found.failures:
        typer.echo(f"hydrant: {name} cannot be evaluated: {reason}", err=True)
    typer.echo(found.summary(), err=True)
    if found.failures:
        raise typer.Exit(1)
