"""The rules of CONTRIBUTING.md that no linter knows, read off the syntax trees of app/."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "app"
MODULES = sorted(APP.rglob("*.py"))

LINES_AT_MOST = 400
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
READS_THE_WALL_CLOCK = {
    "time.time",
    "time.time_ns",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
}
SQL_PACKAGES = {"sqlalchemy", "sqlite3", "psycopg"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, node: ast.AST | None = None) -> str:
    line = getattr(node, "lineno", None)
    name = path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path
    return f"{name}:{line}" if line else str(name)


def imported_names(tree: ast.Module) -> Iterator[tuple[str, str, ast.AST]]:
    """Each import as (local name, full dotted name, node), wherever in the module it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or full, full, node
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}", node


def dotted_name(node: ast.expr, names: dict[str, str]) -> str | None:
    """The full name that an expression such as `dt.datetime.now` refers to."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := dotted_name(node.value, names)):
        return f"{owner}.{node.attr}"
    return None


def wall_clock_reads(tree: ast.Module) -> list[ast.expr]:
    """Uses of the wall clock; one that is only passed on, as a default factory, counts too."""
    names = {local: full for local, full, _ in imported_names(tree)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and dotted_name(node, names) in READS_THE_WALL_CLOCK
    ]


def code_evaluations(tree: ast.Module) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"eval", "exec"}
    ]


def sql_imports(tree: ast.Module) -> list[ast.AST]:
    return [
        node for _, full, node in imported_names(tree) if full.partition(".")[0] in SQL_PACKAGES
    ]


def test_there_are_modules_to_check() -> None:
    assert APP / "__init__.py" in MODULES


def test_modules_are_short_enough_to_read_at_once() -> None:
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_AT_MOST} == {}


def test_modules_say_what_they_are_for() -> None:
    assert [place(path) for path in MODULES if not ast.get_docstring(tree_of(path))] == []


def test_names_say_something() -> None:
    directories = {path.parent for path in MODULES}
    named = [*MODULES, *directories, *(REPOSITORY / "tests").rglob("*.py")]
    assert [place(path) for path in named if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_only_the_clock_reads_the_wall_clock() -> None:
    elsewhere = [path for path in MODULES if path != APP / "clock.py"]
    assert [
        place(path, node) for path in elsewhere for node in wall_clock_reads(tree_of(path))
    ] == []


def test_nothing_evaluates_python_code() -> None:
    assert [place(path, node) for path in MODULES for node in code_evaluations(tree_of(path))] == []


def test_sql_stays_in_storage() -> None:
    elsewhere = [path for path in MODULES if not path.is_relative_to(APP / "storage")]
    assert [place(path, node) for path in elsewhere for node in sql_imports(tree_of(path))] == []


def test_the_check_command_runs_every_linter() -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    recipe = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    for command in ("ruff check", "ruff format --check", "mypy", "lint-imports"):
        assert f"/{command}" in recipe


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as t\nnow = t.time_ns",
        "from time import time\ntime()",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "import datetime as dt\ndt.datetime.utcnow()",
        "from datetime import datetime as when\nwhen.now()",
        "def late():\n    from datetime import date\n    return date.today()",
    ],
)
def test_a_wall_clock_read_is_found_however_it_is_spelt(source: str) -> None:
    assert wall_clock_reads(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.monotonic()",
        "from app.clock import Clock\nClock().time()",
        "sample.time.time()",
    ],
)
def test_other_clocks_are_left_alone(source: str) -> None:
    assert not wall_clock_reads(ast.parse(source))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import sqlalchemy.orm", True),
        ("def late():\n    from psycopg import connect", True),
        ("import sqlite3 as database", True),
        ("from app.storage import engine", False),
        ("import sqlalchemy_like", False),
    ],
)
def test_sql_imports_are_found(source: str, found: bool) -> None:
    assert bool(sql_imports(ast.parse(source))) is found
