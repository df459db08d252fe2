"""Dashboards from YAML: what is read, and every fault at its place."""

import re
from pathlib import Path

import pytest

from app.dashboards import ChartType, Fault, Query, Severity, Threshold, Unit, Variable
from tests.unit.dashboards.files import SOUND, read_text, sound, with_query


def errors_of(directory: Path, text: str) -> list[str]:
    """Places and reasons, as ``14:9 reason``."""
    found = read_text(directory, text)
    assert isinstance(found, Fault)
    assert all(error.file == "shop.yaml" for error in found.errors)
    return [f"{error.line}:{error.column} {error.reason}" for error in found.errors]


def query_of(directory: Path, query: str, widget: str = "") -> Query:
    (read,) = sound(directory, with_query(query, widget)).widgets[0].queries
    return read


def test_a_dashboard_is_read_with_its_defaults(tmp_path: Path) -> None:
    dashboard = sound(tmp_path)
    assert (dashboard.uid, dashboard.title, dashboard.place) == ("shop", "Shop", "shop.yaml")
    assert dashboard.variables == (
        Variable("account", "account", "requests", "account"),
        Variable("queue", "queue", 'requests{account=~"$account"}', "queue", multiple=False),
    )
    (widget,) = dashboard.widgets
    assert (widget.type, widget.unit, widget.width) == (ChartType.LINE, Unit.NONE, 4)
    assert (widget.minimum, widget.maximum, widget.stacked) == (0.0, None, False)
    assert widget.empty == "No data in this time range"
    assert widget.queries == (
        Query(
            'sum by (queue) (rate(requests{account=~"$account"}[$__interval]))', "queue {{queue}}"
        ),
    )


def test_all_keys_of_a_widget_are_read(tmp_path: Path) -> None:
    keys = """\
description: What comes in.
type: area
unit: percent
stacked: true
minimum: auto
maximum: 100
width: 12
rare: true
thresholds:
  - {value: 70, severity: warning}
  - {value: 90.5, severity: critical, label: full}"""
    (widget,) = sound(tmp_path, with_query("expression: requests", keys)).widgets
    assert (widget.type, widget.unit, widget.stacked) == (ChartType.AREA, Unit.PERCENT, True)
    assert (widget.minimum, widget.maximum, widget.width) == (None, 100.0, 12)
    assert widget.thresholds == (
        Threshold(70.0, Severity.WARNING, "70 %"),
        Threshold(90.5, Severity.CRITICAL, "full"),
    )
    assert widget.empty == "None in this time range"


@pytest.mark.parametrize(
    ("query", "widget", "expression"),
    [
        (
            "metric: AWS/DynamoDB/ConsumedReadCapacityUnits",
            "",
            "sum_over_time(aws_dynamodb_ConsumedReadCapacityUnits_sum[$__interval])",
        ),
        (
            (
                "metric: AWS/DynamoDB/ConsumedReadCapacityUnits\n"
                'dimensions: {account: $account, TableName: orders, GlobalSecondaryIndexName: ""}\n'
                "by: [TableName, region]\nper_second: true"
            ),
            "",
            (
                "sum by (TableName, region) (sum_over_time("
                'aws_dynamodb_ConsumedReadCapacityUnits_sum{account=~"$account", '
                'TableName="orders", GlobalSecondaryIndexName=""}[$__interval]))'
                " / $__interval"
            ),
        ),
        (
            "metric: AWS/DynamoDB/SuccessfulRequestLatency\nby: [Operation]",
            "",
            (
                "sum by (Operation) (sum_over_time(aws_dynamodb_SuccessfulRequestLatency_sum"
                "[$__interval])) / sum by (Operation) (sum_over_time("
                "aws_dynamodb_SuccessfulRequestLatency_samplecount[$__interval]))"
            ),
        ),
        (
            "metric: AWS/DynamoDB/SuccessfulRequestLatency\nstatistic: p99.9\nby: [Operation]",
            "",
            (
                "max by (Operation) (max_over_time("
                "aws_dynamodb_SuccessfulRequestLatency_p99_9[$__interval]))"
            ),
        ),
        (
            "metric: AWS/SQS/ApproximateAgeOfOldestMessage\nstatistic: Maximum",
            "type: stat",
            "max_over_time(aws_sqs_ApproximateAgeOfOldestMessage_maximum[$__range])",
        ),
        (
            (
                "metric: My App/Cart/Size\nstatistic: Minimum\n"
                "dimensions: {region: [eu-west-1, a.b], Load Balancer: $queue}"
            ),
            "",
            (
                "min_over_time(my_app_cart_Size_minimum{"
                'region=~"eu-west-1|a\\\\.b", Load_Balancer="$queue"}[$__interval])'
            ),
        ),
        (
            "metric: App/Size\nstatistic: Sum\ndimensions: {Host: 'a.$account'}",
            "",
            'sum_over_time(app_Size_sum{Host=~"a\\\\.$account"}[$__interval])',
        ),
    ],
)
def test_references_to_metrics_become_promql(
    tmp_path: Path, query: str, widget: str, expression: str
) -> None:
    assert query_of(tmp_path, query, widget).expression == expression


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("title: Shop", "titel: Shop", "2:1 unknown key 'titel'; similar: title; known are uid"),
        ("uid: shop\n", "", "1:1 uid is missing"),
        ("uid: shop", "uid: Shop one", "1:6 'Shop one' is not a uid"),
        ("title: Shop", "title: ' '", "2:8 a text is expected that is not empty"),
        ("title: Shop", "title: Shop\ntitle: Shop", "3:1 title is given twice"),
        ("rows:\n", "rows: []\nname:\n", "11:7 the list is empty"),
        ("    label: queue\n", "", "7:5 label is missing"),
        ("name: queue", "name: account", "7:11 the variable account is given twice"),
        ("name: queue", "name: 1st", "7:11 '1st' is not a variable"),
        ("multiple: false", "multiple: maybe", "10:15 true or false is expected"),
        (
            'requests{account=~"$account"}\n    label',
            'sum(requests{account=~"$account"})\n    label',
            "8:15 a selector of series is expected",
        ),
        (
            '{account=~"$account"}\n',
            '{account=~"$queue"}\n',
            "8:34 there is no variable $queue; there are $__interval, $__range, $account",
        ),
        ("  - title: Load\n", "  - {}\n  - title: Load\n", "12:5 title is missing"),
        ("title: Requests\n", "title: Requests\n        kind: line\n", "15:9 unknown key 'kind'"),
        ("title: Requests\n", "title: Requests\n        type: lines\n", "15:15 'lines' is none of"),
        ("title: Requests\n", "title: Requests\n        unit: s\n", "15:15 's' is none of count"),
        (
            "title: Requests\n",
            "title: Requests\n        width: 13\n",
            "15:16 a whole number from 1 to 12 is expected",
        ),
        (
            "title: Requests\n",
            "title: Requests\n        minimum: none\n",
            "15:18 a number is expected, or auto",
        ),
        (
            "title: Requests\n",
            "title: Requests\n        maximum: 0\n",
            "15:18 minimum is not below maximum",
        ),
        (
            "title: Requests\n",
            "title: Requests\n        type: stat\n        stacked: true\n",
            "16:18 a stat cannot be stacked",
        ),
        (
            "title: Requests\n",
            (
                "title: Requests\n        thresholds: [{value: 2, severity: warning},"
                " {value: 1, severity: bad}]\n"
            ),
            "15:74 'bad' is none of warning, critical",
        ),
        (
            "title: Requests\n",
            (
                "title: Requests\n        thresholds: [{value: 2, severity: warning},"
                " {value: 1, severity: critical}]\n"
            ),
            "15:53 thresholds are in ascending order",
        ),
        ("expression: sum", "expresion: sum", "16:13 unknown key 'expresion'; similar: expression"),
        ("expression: sum", "metric: sum", "16:21 a namespace and a name are expected"),
        ("[$__interval]))", "[$__interval])", "16:89 not PromQL: unclosed left parenthesis"),
        ("[$__interval]", "", "16:46 not PromQL: expected type range vector"),
        ("$__interval]", "$__interval_ms]", "16:76 there is no variable $__interval_ms; similar:"),
        ('"$account"}[', '"$acount"}[', "16:65 there is no variable $acount; similar: $account"),
        ('=~"$account"}[', '="$account"}[', "16:64 $account may have several values: compare with"),
        ('"$account"}[', '"$account", queue=~"$queue"}[', "16:84 $queue has one value, which is"),
        ("sum by (queue)", "sum by ($account)", "16:33 $account stands inside the text of a"),
        ("{{queue}}", "{{queue}", "17:28 {{ in a legend surrounds the name of a label"),
        ("{{queue}}", "{{que}}", "17:28 unknown label 'que'; similar: queue; known are queue"),
        ("rows:", "rows: {", "12:3 not valid YAML"),
    ],
)
def test_faults_are_told_at_their_place(tmp_path: Path, old: str, new: str, error: str) -> None:
    assert old in SOUND
    head, _, tail = SOUND.rpartition(old)
    found = errors_of(tmp_path, f"{head}{new}{tail}")
    assert any(each.startswith(error) for each in found), found


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("{}", "16:13 expression is missing, or metric"),
        ("expression: requests[5m]", "16:25 the expression is a matrix"),
        ("expression: requests\nby: [a]", "17:17 a query has either expression or by"),
        ("metric: A/B\nstatistic: median", "17:24 'median' is not a statistic"),
        ("metric: A/B\nstatistic: Maximum\nper_second: true", "18:25 Sum and SampleCount can be"),
        ("metric: A/B\ndimensions: {a: $shop}", "17:29 unknown variable '$shop'"),
        ("metric: A/B\ndimensions: {a: [x, $queue]}", "17:33 a variable stands alone"),
        ("metric: A/B\ndimensions: {a: []}", "17:29 a list of values is empty"),
        ("metric: A/B\ndimensions: {'': x}", "17:25 the name of a dimension is empty"),
        ("metric: A/B\ndimensions: {a: $account$queue}", "17:37 variables of one value and of"),
        (
            "metric: A/B\nby: [Host]\nlegend: '{{Hots}}'",
            "18:22 unknown label 'Hots'; similar: Host",
        ),
        ("expression: sum(a)\nlegend: '{{a}}'", "17:22 the result has no label a, nor any other"),
    ],
)
def test_faults_of_queries_are_told_at_their_place(tmp_path: Path, query: str, error: str) -> None:
    found = errors_of(tmp_path, with_query(query))
    assert any(each.startswith(error) for each in found), found


def test_all_faults_are_told_at_once_and_in_order(tmp_path: Path) -> None:
    text = SOUND.replace("title: Shop", "titel: Shop").replace("title: Load", "titel: Load")
    text = text.replace("requests{account", "requests{{account")
    found = errors_of(tmp_path, text)
    assert [re.match(r"\d+", each)[0] for each in found] == ["2", "8", "12", "16"]  # type: ignore[index]


def test_a_broken_file_still_says_its_uid(tmp_path: Path) -> None:
    found = read_text(tmp_path, SOUND.replace("rows", "raws"), "other.yaml")
    assert isinstance(found, Fault)
    assert (found.uid, found.place) == ("shop", "other.yaml:11:1")
    assert found.message.startswith("unknown key 'raws'; similar: rows")
    found = read_text(tmp_path, "[]", "other.yaml")
    assert isinstance(found, Fault)
    assert found.uid == "other"


def test_a_widget_has_queries_for_the_letters_only(tmp_path: Path) -> None:
    many = with_query("expression: a")
    many += "          - expression: a\n" * 26
    assert errors_of(tmp_path, many) == ["42:13 more than 26 queries in a widget"]
