"""The keys of a file: what reading takes, what the schema says, what the guide lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.dashboards.model import COLUMNS, ChartType, Severity, Unit

MOST_QUERIES: Final = 26
"""Queries of one widget; Grafana calls them by letters."""

UID: Final = "[a-z0-9][a-z0-9-]{0,39}"
NAME: Final = "[a-z][a-z0-9_]{0,39}"

Schema = Mapping[str, object]

_TEXT: Final[Schema] = {"type": "string"}
_SOME_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_NUMBER: Final[Schema] = {"type": "number"}
_TRUTH: Final[Schema] = {"type": "boolean"}
_VALUES: Final[Schema] = {"type": ["string", "number", "boolean"]}


def _list(of: str | Schema, most: int = 0) -> Schema:
    items = {"$ref": f"#/$defs/{of}"} if isinstance(of, str) else of
    found: dict[str, object] = {"type": "array", "minItems": 1, "items": items}
    return found | ({"maxItems": most} if most else {})


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping: JSON Schema of its value, what it says, and its default in words."""

    name: str
    schema: Schema
    text: str
    default: str = ""
    required: bool = False


DASHBOARD = (
    Key(
        "uid",
        {"type": "string", "pattern": f"^{UID}$"},
        "The dashboard in URLs: small letters, digits and `-`, at most 40. A file of one's own with"
        " the uid of a shipped dashboard replaces it.",
        required=True,
    ),
    Key("title", _SOME_TEXT, "Its name in lists, and its heading.", required=True),
    Key("description", _TEXT, "What it is for, in a sentence or two.", "empty"),
    Key(
        "namespace",
        _SOME_TEXT,
        "CloudWatch's namespace that it is about, such as `AWS/DynamoDB`.",
        "none",
    ),
    Key(
        "services",
        _list(_SOME_TEXT),
        "Names of the services that it is about, `*` for any text: `aws-s3::*`. The overview links"
        " it beside them.",
        "none",
    ),
    Key("variables", _list("variable"), "Choices at its top, in their order.", "none"),
    Key("rows", _list("row"), "Headings with widgets below them.", required=True),
)

VARIABLE = (
    Key(
        "name",
        {"type": "string", "pattern": f"^{NAME}$"},
        "As expressions use it: `table` is `$table` there.",
        required=True,
    ),
    Key("title", _SOME_TEXT, "As people see it.", "the name"),
    Key(
        "selector",
        _SOME_TEXT,
        "The series whose labels give the values: a PromQL selector, which may use the variables"
        " before it.",
        required=True,
    ),
    Key("label", _SOME_TEXT, "The label whose values can be chosen.", required=True),
    Key(
        "multiple",
        _TRUTH,
        "Whether several values can be chosen, and all. Expressions compare such a variable with"
        " `=~`, and one with a single value with `=`.",
        "true",
    ),
)

ROW = (
    Key("title", _SOME_TEXT, "The heading.", required=True),
    Key("description", _TEXT, "A sentence below it.", "empty"),
    Key("widgets", _list("widget"), "What stands below it, from left to right.", required=True),
)

WIDGET = (
    Key("title", _SOME_TEXT, "The heading.", required=True),
    Key("description", _TEXT, "What the numbers are, and what to do about them.", "empty"),
    Key(
        "type",
        {"enum": [each.value for each in ChartType]},
        "How it is drawn. `stat` is a number and `table` a table, of one value of each series at"
        " the end of the time range; the others have time to the right.",
        "line",
    ),
    Key(
        "queries",
        _list("query", MOST_QUERIES),
        "What is drawn; at most 26.",
        required=True,
    ),
    Key("unit", {"enum": [each.value for each in Unit]}, "What the numbers are.", "none"),
    Key("stacked", _TRUTH, "Whether series stand on top of each other.", "false"),
    Key(
        "thresholds",
        _list("threshold"),
        "Values from which on it is bad, in ascending order.",
        "none",
    ),
    Key(
        "minimum",
        {"anyOf": [_NUMBER, {"const": "auto"}]},
        "Where the axis begins, unless values are below; `auto` leaves that to the data, except"
        " that bars and stacks begin at 0.",
        "0",
    ),
    Key(
        "maximum",
        {"anyOf": [_NUMBER, {"const": "auto"}]},
        "Where the axis ends, unless values are above; `auto` leaves that to the data.",
        "auto",
    ),
    Key(
        "width",
        {"type": "integer", "minimum": 1, "maximum": COLUMNS},
        "Columns, of 12 in a line.",
        "4",
    ),
    Key(
        "rare",
        _TRUTH,
        "Whether it is empty as long as nothing goes wrong, which it then says.",
        "false",
    ),
    Key(
        "empty",
        _SOME_TEXT,
        "What it says without data.",
        "*No data in this time range*, or *None in this time range* if rare",
    ),
)

QUERY = (
    Key(
        "expression",
        _SOME_TEXT,
        "PromQL, with variables, `$__interval` for the length of a step and `$__range` for that of"
        " the time range. Either this or `metric`.",
    ),
    Key(
        "metric",
        {"type": "string", "pattern": "^.+/[^/]+$"},
        "A metric of CloudWatch by namespace and name: `AWS/DynamoDB/ConsumedReadCapacityUnits`.",
    ),
    Key(
        "statistic",
        _SOME_TEXT,
        "The metric's statistic as CloudWatch calls it: `Sum`, `SampleCount`, `Average`, `Minimum`,"
        " `Maximum`, or one such as `p99`.",
        "the one that CloudWatch's documentation calls meaningful",
    ),
    Key(
        "dimensions",
        {
            "type": "object",
            "additionalProperties": {"anyOf": [_VALUES, _list(_VALUES)]},
        },
        "Which series: values of dimensions, of `account` and of `region`. A value is a text, a"
        " list of texts, or has variables; an empty one is for series without the dimension.",
        "all",
    ),
    Key(
        "by",
        _list(_SOME_TEXT),
        "Combine series to one for each value of these dimensions.",
        "each series alone",
    ),
    Key("per_second", _TRUTH, "Divide a Sum or SampleCount by the seconds.", "false"),
    Key(
        "legend",
        _TEXT,
        "What a series is called: text with `{{label}}` for values of its labels.",
        "its labels",
    ),
)

THRESHOLD = (
    Key("value", _NUMBER, "The value.", required=True),
    Key(
        "severity",
        {"enum": [each.value for each in Severity]},
        "What is there, or above.",
        required=True,
    ),
    Key("label", _SOME_TEXT, "What stands beside the line.", "the value"),
)

OF_METRIC = ("statistic", "dimensions", "by", "per_second")
"""Keys of queries that go with ``metric`` alone."""

MAPPINGS: Final = {
    "dashboard": DASHBOARD,
    "variable": VARIABLE,
    "row": ROW,
    "widget": WIDGET,
    "query": QUERY,
    "threshold": THRESHOLD,
}
"""The mappings of a file by the names under which the schema has them."""


def names(keys: tuple[Key, ...]) -> tuple[str, ...]:
    """The names of keys, in their order."""
    return tuple(key.name for key in keys)
