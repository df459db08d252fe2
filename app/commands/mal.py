"""``hydrant mal``: the language by itself."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

application = typer.Typer(help="Evaluate expressions by hand.", no_args_is_help=True)

RulesFile = Annotated[Path, typer.Option("--rules", help="A rule file")]
InputFile = Annotated[
    Path, typer.Option("--input", help="Families of samples, in YAML or JSON; - for standard input")
]


@application.command("eval")
def evaluate(
    rules: RulesFile,
    input_file: InputFile,
    now: Annotated[
        str | None, typer.Option(help="What time() tells: RFC 3339, or seconds since the epoch")
    ] = None,
    no_filter: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--no-filter", help="Leave the file's filter out")
    ] = False,
) -> None:
    """Evaluate a rule file over given sample families and print what comes out, as JSON."""
    from app.clock import SystemClock
    from app.errors import NotFound
    from app.query import parse_time_ms
    from app.rules import load_rule_file
    from app.rules.sandbox import evaluate_families
    from app.rules.sandbox_input import parse_families, result_json

    now_ms = SystemClock().now_ms() if now is None else parse_time_ms("now", now)
    file = load_rule_file(rules, str(rules))
    source = "standard input" if str(input_file) == "-" else str(input_file)
    try:
        text = sys.stdin.read() if str(input_file) == "-" else input_file.read_text("utf-8")
    except OSError as error:
        raise NotFound(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeError as error:
        raise NotFound(f"{source} cannot be read: {error}") from error
    families = parse_families(text, source, now_ms)
    result = evaluate_families(file, families, now_ms, with_filter=not no_filter)
    for fault in result.faults:
        typer.echo(f"hydrant: {fault}", err=True)
    metrics = {name: result_json(metric) for name, metric in result.metrics.items()}
    typer.echo(json.dumps(metrics, indent=2, ensure_ascii=False))
