"""The JSON Schema of dashboards against what reading takes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from app.dashboards import Fault
from app.dashboards.keys import MAPPINGS, names
from app.dashboards.schema import json_schema
from app.rules.files import rule_paths
from app.settings import DEFAULT_DASHBOARDS
from tests.unit.dashboards.files import SOUND, read_text, with_query

VALIDATOR = Draft202012Validator(json_schema())


def faults(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "path", rule_paths(DEFAULT_DASHBOARDS).values(), ids=lambda path: path.stem
)
def test_shipped_dashboards_are_of_the_schema(path: Path) -> None:
    assert not faults(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: Shop", "titel: Shop"),
        ("uid: shop\n", ""),
        ("uid: shop", "uid: Shop one"),
        ("title: Shop", "title: ''"),
        ("    label: queue\n", ""),
        ("name: queue", "name: 1st"),
        ("multiple: false", "multiple: maybe"),
        ("title: Load", "titel: Load"),
        ("title: Requests", "title: Requests\n        type: lines"),
        ("title: Requests", "title: Requests\n        unit: s"),
        ("title: Requests", "title: Requests\n        width: 13"),
        ("title: Requests", "title: Requests\n        minimum: none"),
        ("title: Requests", "title: Requests\n        thresholds: [{value: 1}]"),
        ("expression: sum", "expresion: sum"),
        ("            legend", "            by: [queue]\n            legend"),
        ("            legend", "            metric: A/B\n            legend"),
    ],
)
def test_what_the_schema_refuses_reading_refuses(tmp_path: Path, old: str, new: str) -> None:
    text = SOUND.replace(old, new, 1)
    assert text != SOUND
    assert faults(text)
    assert isinstance(read_text(tmp_path, text), Fault)


def test_every_key_is_read_and_in_the_schema(tmp_path: Path) -> None:
    """A dashboard with all keys of each mapping; a key that only one of the two knew would fail."""
    text = with_query(
        "metric: AWS/S3/AllRequests\nstatistic: Sum\ndimensions: {BucketName: photos}\n"
        'by: [BucketName]\nper_second: true\nlegend: "{{BucketName}}"',
        "description: D\ntype: line\nunit: none\nstacked: false\nminimum: 0\nmaximum: auto\n"
        "width: 6\nrare: true\nempty: Nothing\n"
        "thresholds: [{value: 1, severity: warning, label: one}]",
    )
    text = text.replace("title: Shop", "title: Shop\ndescription: D\nnamespace: A\nservices: [a]")
    text = text.replace("label: account", "label: account\n    title: Account")
    text = text.replace("title: Load", "title: Load\n    description: D")
    content = yaml.safe_load(text)
    assert not faults(text)
    assert not isinstance(read_text(tmp_path, text), Fault)
    row = content["rows"][0]
    widget = row["widgets"][0]
    given: dict[str, Any] = {
        "dashboard": content,
        "variable": content["variables"][0] | content["variables"][1],
        "row": row,
        "widget": widget,
        "query": widget["queries"][0] | {"expression": ""},
        "threshold": widget["thresholds"][0],
    }
    for name, keys in MAPPINGS.items():
        assert set(given[name]) == set(names(keys)), name
