"""The guide to dashboards says every key and every unit, and its example is one.

Run as a module, this file writes the tables of keys in docs/dashboards.md again.
"""

import re
from pathlib import Path

from app.catalog import load_statistic_catalog
from app.dashboards import Unit, load_dashboards
from app.dashboards.keys import MAPPINGS, Key
from app.dashboards.suspicions import KnownMetrics, metrics_of_rules, suspicions
from app.settings import DEFAULT_DASHBOARDS, DEFAULT_RULES
from tests.unit.dashboards.files import sound

GUIDE = Path(__file__).parents[3] / "docs" / "dashboards.md"
TABLES = re.compile(r"(?<=<!-- keys: begin -->\n).*(?=<!-- keys: end -->)", re.DOTALL)
_HEADINGS = {
    "dashboard": "A dashboard",
    "variable": "An entry of `variables`",
    "row": "An entry of `rows`",
    "widget": "An entry of `widgets`",
    "query": "An entry of `queries`",
    "threshold": "An entry of `thresholds`",
}


def tables() -> str:
    """A table for each mapping of a file."""
    lines = []
    for name, keys in MAPPINGS.items():
        lines += ["", f"### {_HEADINGS[name]}", "", "| key | values | default | meaning |"]
        lines += ["|---|---|---|---|", *map(_line, keys)]
    return "\n".join(lines) + "\n\n"


def _line(key: Key) -> str:
    default = "required" if key.required else key.default
    return f"| `{key.name}` | {_values(dict(key.schema))} | {default} | {key.text} |"


def _values(schema: dict[str, object]) -> str:
    """What a schema allows, in words."""
    match schema:
        case {"enum": list(words)}:
            return ", ".join(f"`{word}`" for word in words)
        case {"anyOf": [{"type": "number"}, {"const": word}]}:
            return f"a number, or `{word}`"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"{least} to {most}"
        case {"type": "array", "items": {"$ref": str(of)}}:
            return f"a list of {of.rpartition('/')[2].replace('query', 'querie')}s"
        case {"type": "array"}:
            return "a list of texts"
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"type": "object"}:
            return "texts by name"
        case {"type": "number"}:
            return "a number"
    return "a text"


def test_the_tables_of_keys_are_current() -> None:
    found = TABLES.search(GUIDE.read_text("utf-8"))
    assert found
    assert found.group() == tables(), "run `python -m tests.unit.dashboards.test_guide`"


def test_every_unit_is_told() -> None:
    text = GUIDE.read_text("utf-8").partition("## Units")[2].partition("\n## ")[0]
    told = [name for line in text.splitlines() for name in re.findall(r"`(\w+)`", line)]
    assert sorted(told) == sorted(unit.value for unit in Unit)


def test_the_example_is_a_dashboard_that_nothing_is_wrong_with(tmp_path: Path) -> None:
    text = GUIDE.read_text("utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    dashboard = sound(tmp_path, example)
    assert (dashboard.uid, len(dashboard.widgets)) == ("orders", 3)
    known = KnownMetrics(metrics_of_rules(DEFAULT_RULES), load_statistic_catalog())
    assert not suspicions(dashboard, known)


def test_shipped_dashboards_are_told() -> None:
    text = GUIDE.read_text("utf-8").partition("## Shipped dashboards")[2]
    told = set()
    for line in text.splitlines():
        first, *others = re.findall(r"`(-?[a-z0-9-]+)`", line.partition(" | ")[0]) or [""]
        base = first.rpartition("-")[0]
        told |= {first} | {f"{base}{other}" for other in others}
    assert {dashboard.uid for dashboard in load_dashboards(DEFAULT_DASHBOARDS)} == told - {""}


if __name__ == "__main__":
    GUIDE.write_text(TABLES.sub(lambda _: tables(), GUIDE.read_text("utf-8")), "utf-8")
