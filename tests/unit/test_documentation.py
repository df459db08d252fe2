"""The documentation says everything: what the code knows and docs/ does not is a failure here.

Run as a module, this file writes the table of shipped metrics in docs/rules.md again.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from app.catalog import load_statistic_catalog
from app.cli import application as command_line
from app.errors import HydrantError
from app.mal.functions import FUNCTIONS
from app.mal.java_methods import METHODS
from app.otlp.rejection import Format, Reason
from app.promql.signatures import SIGNATURES
from app.rules import RuleEngine, load_rule_directory
from app.settings import DEFAULT_RULES, Settings
from app.storage import Store
from app.storage.alarm_tables import ALARM_VIEWS
from app.storage.deployment_mark_tables import MARK_VIEWS
from app.storage.tables import ROW_VIEWS, VIEWS, metadata
from app.telemetry import REGISTRY
from tests.fixtures.routes import get_paths
from tests.fixtures.sql import sql_engine

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
_TOP = [REPOSITORY / f"{name}.md" for name in ("README", "CHANGELOG", "SECURITY")]
PAGES = [*_TOP, *sorted(DOCS.rglob("*.md"))]

TABLE = re.compile(
    r"(?<=<!-- shipped metrics: begin -->\n).*(?=<!-- shipped metrics: end -->)", re.DOTALL
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above; fails without it."""
    level = len(heading) - len(heading.lstrip("#"))
    start = re.search(rf"^{re.escape(heading)}$", text, re.MULTILINE)
    assert start, f"no heading {heading!r}"
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def first_cells(text: str) -> set[str]:
    """Texts in code font in the first column of tables."""
    rows = [line.split("|", 2)[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in rows for name in re.findall(r"`([^`]+)`", cell)}


def anchors(text: str) -> set[str]:
    """The fragments under which the headings of a page can be linked to."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in kept}


def error_classes(base: type[HydrantError]) -> Iterator[type[HydrantError]]:
    yield base
    for child in base.__subclasses__():
        yield from error_classes(child)


def all_commands(command: object, *names: str) -> Iterator[tuple[str, TyperCommand]]:
    """Commands by name, those of a group with the group's name before their own."""
    if isinstance(command, TyperGroup):
        for name, member in command.commands.items():
            yield from all_commands(member, *names, name)
    else:
        assert isinstance(command, TyperCommand)
        yield " ".join(names), command


def shipped_metrics() -> str:
    """A table for each layer."""
    engine = RuleEngine(load_rule_directory(DEFAULT_RULES), load_statistic_catalog())
    lines = []
    for layer in sorted({metric.layer for metric in engine.definitions.values()}):
        lines += ["", f"### {layer}", ""]
        lines += ["| metric | scope | unit | over time | meaning |", "|---|---|---|---|---|"]
        for _, metric in sorted(engine.definitions.items()):
            if metric.layer != layer:
                continue
            scope = f"{metric.scope}, by label" if metric.labelled else str(metric.scope)
            cells = (f"`{metric.name}`", scope, metric.unit, metric.combine, metric.description)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_settings_are_documented() -> None:
    rows = re.findall(r"^\| `(HYDRANT_\w+)` \| `(\w+)` \|", page("configuration.md"), re.MULTILINE)
    assert rows == [(f"HYDRANT_{name.upper()}", name) for name in Settings.model_fields]


def test_defaults_of_settings_are_documented() -> None:
    cells = re.findall(
        r"^\| `\w+` \| `(\w+)` \| `([^`]+)` \|", page("configuration.md"), re.MULTILINE
    )
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    texts = {
        name: str(default).lower() if isinstance(default, bool) else str(default)
        for name, default in defaults.items()
        if isinstance(default, str | int)
    }
    assert dict(cells) == texts


def test_commands_and_options_are_documented() -> None:
    commands = dict(all_commands(get_command(command_line)))
    headings = re.findall(r"^## `hydrant ([\w -]+)`$", page("commands.md"), re.MULTILINE)
    assert sorted(headings) == sorted(commands)
    for name, command in commands.items():
        text = section(page("commands.md"), f"## `hydrant {name}`")
        if name == "simulate":
            text = section(page("simulator.md"), "## Options")
        documented = {word for cell in first_cells(text) for word in re.findall(r"--[\w-]+", cell)}
        options = {parameter.opts[0] for parameter in command.params if parameter.name != "help"}
        options = {option for option in options if option.startswith("--")}
        assert options - documented == set(), name
        assert documented - options <= {"--no-gzip", "--no-cause-metrics"}, name


def test_routes_and_their_parameters_are_documented(web_application: FastAPI) -> None:
    text = page("http-api.md")
    for path, operations in web_application.openapi()["paths"].items():
        for method, operation in operations.items():
            route = f"{method.upper()} {path}"
            parameters = {item["name"] for item in operation.get("parameters", [])}
            if not parameters:
                assert f"`{route}`" in text
                continue
            documented = section(text, f"## `{route}`")
            missing = {name for name in parameters if f"`{name}`" not in documented}
            assert missing == set(), route


def test_routes_outside_the_schema_are_documented(web_application: FastAPI) -> None:
    paths = get_paths(web_application)
    assert {"/tables/{table}", "/healthz", "/assets/{digest}/{path}"} <= paths
    text = page("http-api.md") + page("web.md")
    assert {path for path in paths if f"`GET {path}`" not in text} == set()


def test_error_kinds_and_their_statuses_are_documented() -> None:
    text = section(page("http-api.md"), "## Errors")
    for error in error_classes(HydrantError):
        if error.__module__.startswith("app.simulator"):
            continue
        assert f"`{error.kind}`" in text
        if f"| `{error.kind}` |" in text:
            assert f"| `{error.kind}` | {error.status} |" in text


def test_quarantine_reasons_and_formats_are_documented() -> None:
    text = section(page("http-api.md"), "## `GET /api/v1/quarantine`")
    assert {reason for reason in Reason if reason.value not in first_cells(text)} == set()
    assert {item for item in Format if f"`{item.value}`" not in text} == set()


def test_own_metrics_are_documented() -> None:
    # Importing app.main, above, has declared all of them.
    names = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in REGISTRY.collect()
    }
    assert {name for name in first_cells(page("metrics.md")) if "hydrant_" in name} == names


def test_rule_functions_are_documented_with_an_example() -> None:
    text = section(page("rules.md"), "## Functions")
    documented = re.findall(r"^\| `(\w+)\(.*\| `[^|]*\.\1\(.*` \|$", text, re.MULTILINE)
    assert sorted(documented) == sorted(FUNCTIONS)


def test_functions_of_promql_are_documented_with_their_arguments() -> None:
    text = page("promql-functions.md").partition("## Differences")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(SIGNATURES)
    for name, cell in rows:
        arguments = [] if cell == "none" else cell.split(", ")
        optional = sum(argument.startswith("[") for argument in arguments)
        signature = SIGNATURES[name]
        if arguments and arguments[-1].endswith("…"):
            assert signature.most is None or signature.most > len(arguments), name
            continue
        assert signature.least == len(arguments) - optional, name
        assert signature.most == len(arguments), name


def test_methods_in_closures_are_documented() -> None:
    text = section(page("rules.md"), "## Closures")
    names = {name for methods in METHODS.values() for name, _ in methods} - {"name"}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_no_supported_rule_function_is_called_unsupported() -> None:
    text = section(page("mal-compatibility.md"), "## Not supported")
    assert set(FUNCTIONS) & set(re.findall(r"`(\w+)`", text)) == set()


def test_the_table_of_shipped_metrics_is_that_of_the_rule_files() -> None:
    written = TABLE.search(page("rules.md"))
    assert written
    assert written.group() == shipped_metrics(), "run python -m tests.unit.test_documentation"
    number = written.group().count("\n| `")
    assert f"{number} metrics" in PAGES[0].read_text("utf-8")


def test_tables_and_columns_are_documented() -> None:
    for table in metadata.sorted_tables:
        text = section(page("schema.md"), f"## `{table.name}`")
        assert first_cells(text) == set(table.columns.keys()), table.name


def test_views_and_their_columns_are_documented(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    store.migrate()
    store.close()
    engine = sql_engine(sqlite_url)
    inspector = sa.inspect(engine)
    assert sorted(inspector.get_view_names()) == sorted(
        (*VIEWS, *ROW_VIEWS, *ALARM_VIEWS, *MARK_VIEWS)
    )
    text = section(page("schema.md"), "## Views")
    for view in (*VIEWS, *ROW_VIEWS, *ALARM_VIEWS, *MARK_VIEWS):
        row = re.search(rf"^\| `{view}` \| (.*) \|$", text, re.MULTILINE)
        assert row, view
        columns = [column["name"] for column in inspector.get_columns(view)]
        assert re.findall(r"`(\w+)`", row.group(1)) == columns
    engine.dispose()


def test_the_worked_queries_run(database_url: str) -> None:
    queries = re.findall(r"^```sql\n(.*?)^```", page("schema.md"), re.DOTALL | re.MULTILINE)
    assert len(queries) > 3
    store = Store(database_url)
    store.migrate()
    try:
        store.write(lambda connection: [connection.execute(sa.text(q)) for q in queries] and None)
    finally:
        store.close()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(FENCED.sub("", path.read_text("utf-8"))):
        target, _, fragment = link.partition("#")
        if "://" in link:
            continue
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), f"{link} leads to nothing"
        if fragment:
            assert fragment in anchors(file.read_text("utf-8")), f"{link} names no heading"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_pages_name_no_path_of_a_machine(path: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|Users)/\S*", path.read_text("utf-8")) == []


def test_every_decision_is_in_the_list() -> None:
    listed = page("adr/0001-record-decisions.md")
    records = {path.name for path in (DOCS / "adr").glob("*.md")} - {
        "0000-template.md",
        "0001-record-decisions.md",
    }
    assert {name for name in records if f"]({name})" not in listed} == set()


if __name__ == "__main__":
    RULES = DOCS / "rules.md"
    RULES.write_text(TABLE.sub(lambda _: shipped_metrics(), page("rules.md")), "utf-8")
