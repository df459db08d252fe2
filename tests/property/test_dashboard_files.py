"""Whatever a file holds, it is a dashboard that can be drawn or a fault with its place."""

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.dashboards import Dashboard, Fault, chart_of
from app.dashboards.files import read_dashboard_file
from app.dashboards.keys import MAPPINGS, names
from app.grafana import render
from app.promql.parsing import parse
from app.settings import DEFAULT_DASHBOARDS
from tests.unit.dashboards.files import SOUND

ONE_TABLE = (DEFAULT_DASHBOARDS / "dynamodb-one-table.yaml").read_text("utf-8")
KEYS = sorted({key for keys in MAPPINGS.values() for key in names(keys)})
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["$account", "{{a}}", "$__interval", 'a{b=~"$account"}', "a[5m]", "A/B"])
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), each, max_size=4)
    ),
    max_leaves=12,
)


def check(text: str) -> None:
    """Read a text, and draw what was read."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "any.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        found = read_dashboard_file(path, "any.yaml")
    if isinstance(found, Fault):
        assert found.errors
        assert all(error.file == "any.yaml" and error.reason for error in found.errors)
        return
    assert isinstance(found, Dashboard)
    assert render(found)
    for widget in found.widgets:
        queries = chart_of(widget, {})["queries"]
        assert isinstance(queries, list)
        for query in queries:
            parse(query["expression"].replace("$__interval", "60s").replace("$__range", "3600s"))


@given(st.data())
def test_mutilated_files(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([SOUND, ONE_TABLE]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    check(text[:start] + data.draw(st.text(max_size=8)) + text[end:])


@given(TREES)
def test_any_tree_of_yaml(tree: object) -> None:
    check(yaml.safe_dump(tree, allow_unicode=True))


@given(st.sampled_from(KEYS), TREES)
def test_any_value_of_a_key(key: str, tree: object) -> None:
    content = yaml.safe_load(SOUND)
    widget = content["rows"][0]["widgets"][0]
    for mapping in (content, content["variables"][0], widget, widget["queries"][0]):
        before = dict(mapping)
        mapping[key] = tree
        check(yaml.safe_dump(content, allow_unicode=True))
        mapping.clear()
        mapping.update(before)
