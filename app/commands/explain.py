"""``hydrant rules explain``: a metric's value of one minute, down to its points."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import Database, Rules, SettingsFile

if TYPE_CHECKING:
    from app.query import Answer, Question


def explain(
    name: Annotated[str, typer.Argument(help="The metric, such as aws_dynamodb_user_errors")],
    *,
    service: Annotated[str | None, typer.Option(help="Service of the entity")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Endpoint of the entity")] = None,
    instance: Annotated[str | None, typer.Option(help="Instance of the entity")] = None,
    region: Annotated[str | None, typer.Option(help="Region of the entity")] = None,
    process: Annotated[str | None, typer.Option(help="Process of the entity")] = None,
    dest_service: Annotated[str | None, typer.Option(help="Of a relation, to which")] = None,
    dest_instance: Annotated[str | None, typer.Option(help="Of a relation, to which")] = None,
    dest_process: Annotated[str | None, typer.Option(help="Of a relation, to which")] = None,
    time: Annotated[
        str | None, typer.Option(help="In the minute; default: the newest that has a value")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Values, and samples of a step and series")
    ] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what the HTTP route gives")
    ] = False,
    database: Database = None,
    rules: Rules = None,
    settings_file: SettingsFile = None,
) -> None:
    """Explain a metric's value: the rule, its steps, the source series and their points."""
    from app.api.explained import answer_content
    from app.api.json import json_response
    from app.clock import MILLISECONDS_PER_MINUTE
    from app.commands.explanation_text import explanation_lines
    from app.query import Question, parse_time_ms
    from app.rules import Wanted
    from app.settings import load_settings

    settings = load_settings(settings_file, database=database, rules=rules)
    question = Question(
        name,
        Wanted(
            service,
            endpoint,
            instance,
            region,
            process,
            dest_service,
            dest_instance,
            dest_process,
        ),
        None if time is None else parse_time_ms("--time", time) // MILLISECONDS_PER_MINUTE,
        limit,
        settings.query_max_points,
    )
    content = answer_content(_answer(question, settings.database, settings.rules))
    if as_json:
        typer.echo(bytes(json_response(content).body))
    else:
        for line in explanation_lines(content):
            typer.echo(line)


def _answer(question: "Question", database: str, rules: Path) -> "Answer":
    from app.catalog import load_statistic_catalog
    from app.query import explain_metric
    from app.rules import load_rule_directory
    from app.storage import Store

    files = load_rule_directory(rules)
    store = Store(database, readers=1, create=False)
    try:
        store.check()
        with store.read() as connection:
            return explain_metric(connection, files, load_statistic_catalog(), question)
    finally:
        store.close()
