"""Pages, throttling and answers that are not whole, on botocore's own stubbed responses."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from app.clock import ManualClock
from app.cloudwatch import STATISTICS, CloudWatch, SeriesQuery, is_statistic
from app.errors import ConfigurationError, HydrantError, Unavailable

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

START_MS = 1_795_000_020_000
QUERY = SeriesQuery("AWS/DynamoDB", "M", (("TableName", "orders"),), STATISTICS)


@contextmanager
def stubbed() -> Iterator[tuple[CloudWatch, Stubber, ManualClock]]:
    client: CloudWatchClient = boto3.client(
        "cloudwatch",
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    clock = ManualClock()
    with Stubber(client) as stub:
        yield CloudWatch(client, clock), stub, clock
        stub.assert_no_pending_responses()


def result(name: str, values: dict[int, float], status: str = "Complete") -> dict[str, Any]:
    """A statistic's values by minute from the start."""
    moments = [datetime.fromtimestamp(START_MS / 1000 + m * 60, UTC) for m in values]
    return {
        "Id": name,
        "Timestamps": moments,
        "Values": list(values.values()),
        "StatusCode": status,
    }


def page(*results: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"MetricDataResults": list(results), **more}


def whole(number: int = 0) -> list[dict[str, Any]]:
    return [result(f"q{number}_{place}", {0: float(place)}) for place in range(4)]


def test_what_is_asked_for() -> None:
    unit = SeriesQuery("N", "M", (), ("Sum", "p99"), unit="Seconds", account="2")
    with stubbed() as (cloudwatch, stub, _):
        stub.add_response(
            "get_metric_data",
            page(result("q0_0", {}), result("q0_1", {})),
            {
                "MetricDataQueries": [
                    {
                        "Id": f"q0_{place}",
                        "AccountId": "2",
                        "MetricStat": {
                            "Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": []},
                            "Period": 60,
                            "Stat": statistic,
                            "Unit": "Seconds",
                        },
                    }
                    for place, statistic in enumerate(("Sum", "p99"))
                ],
                "StartTime": datetime.fromtimestamp(START_MS / 1000, UTC),
                "EndTime": datetime.fromtimestamp(START_MS / 1000 + 60, UTC),
                "ScanBy": "TimestampAscending",
                "MaxDatapoints": 100_800,
            },
        )
        answer = cloudwatch.read([unit], START_MS, START_MS + 60_000)
    assert answer.series[0].is_complete
    assert answer.series[0].values == {"Sum": {}, "p99": {}}


def test_pages_are_put_together() -> None:
    with stubbed() as (cloudwatch, stub, _):
        first = [result(f"q0_{place}", {0: 0.1}, "PartialData") for place in range(4)]
        stub.add_response("get_metric_data", page(*first, NextToken="more"))
        second = [result(f"q0_{place}", {1: 0.2}) for place in range(4)]
        same = ("MetricDataQueries", "StartTime", "EndTime", "ScanBy", "MaxDatapoints")
        expected: dict[str, object] = {**dict.fromkeys(same, ANY), "NextToken": "more"}
        stub.add_response("get_metric_data", page(*second), expected)
        answer = cloudwatch.read([QUERY], START_MS, START_MS + 120_000)
    assert answer.calls == 2
    assert answer.repeated == []
    assert answer.series[0].is_complete
    assert answer.series[0].values["Sum"] == {START_MS: 0.1, START_MS + 60_000: 0.2}


@pytest.mark.parametrize("status", ["PartialData", "InternalError"])
def test_a_series_whose_answer_is_not_whole_is_asked_for_again(status: str) -> None:
    with stubbed() as (cloudwatch, stub, clock):
        broken = [*whole(1)[:3], result("q1_3", {}, status)]
        stub.add_response("get_metric_data", page(*whole(), *broken))
        stub.add_response("get_metric_data", page(*whole(1)))
        answer = cloudwatch.read([QUERY, QUERY], START_MS, START_MS + 60_000)
        assert clock.monotonic() == 1
    assert answer.repeated == [1]
    assert [one.status for one in answer.series] == ["Complete", "Complete"]
    assert answer.series[1].values["Maximum"] == {START_MS: 3.0}


def test_a_series_that_never_becomes_whole_says_so() -> None:
    with stubbed() as (cloudwatch, stub, _):
        for _ in range(8):
            stub.add_response("get_metric_data", page(*whole()[:3]))
        answer = cloudwatch.read([QUERY], START_MS, START_MS + 60_000)
    assert (answer.series[0].status, answer.repeated) == ("unanswered", [0] * 7)


def test_what_is_forbidden_is_not_asked_for_again_and_messages_are_kept() -> None:
    with stubbed() as (cloudwatch, stub, _):
        refused = [result(f"q0_{place}", {}, "Forbidden") for place in range(4)]
        refused[0]["Messages"] = [{"Code": "AuthorizationError", "Value": "not linked"}]
        whole_call = [{"Code": "Limit", "Value": "too much"}]
        stub.add_response("get_metric_data", page(*refused, Messages=whole_call))
        answer = cloudwatch.read([QUERY], START_MS, START_MS + 60_000)
    assert answer.series[0].status == "Forbidden"
    assert answer.messages == ["Limit: too much", "AuthorizationError: not linked"]


@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("Throttling", 400), ("Any", 503)]
)
def test_throttled_calls_are_repeated_after_pauses_that_double(code: str, status: int) -> None:
    with stubbed() as (cloudwatch, stub, clock):
        for _ in range(7):
            stub.add_client_error("get_metric_data", code, "slow down", status)
        stub.add_response("get_metric_data", page(*whole()))
        assert cloudwatch.read([QUERY], START_MS, START_MS + 60_000).series[0].is_complete
        assert clock.monotonic() == 1 + 2 + 4 + 8 + 16 + 30 + 30


@pytest.mark.parametrize(
    ("code", "times", "kind", "words"),
    [
        ("ThrottlingException", 8, Unavailable, "slow down"),
        ("AccessDenied", 1, ConfigurationError, "docs/backfill.md"),
        ("InvalidParameterValue", 1, Unavailable, "InvalidParameterValue: slow down"),
    ],
)
def test_what_cannot_be_mended_is_an_error_of_ours(
    code: str, times: int, kind: type[HydrantError], words: str
) -> None:
    with stubbed() as (cloudwatch, stub, _):
        for _ in range(times):
            stub.add_client_error("get_metric_data", code, "slow\ndown", 400)
        with pytest.raises(kind) as caught:
            cloudwatch.read([QUERY], START_MS, START_MS + 60_000)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_metrics_are_listed_page_by_page() -> None:
    metric = {"Namespace": "N", "MetricName": "M"}
    dimensions = [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]
    given = {
        "Namespace": "N",
        "Dimensions": [{"Name": "a", "Value": "1"}],
        "IncludeLinkedAccounts": True,
        "OwningAccount": "2",
    }
    with stubbed() as (cloudwatch, stub, _):
        first = {"Metrics": [{**metric, "Dimensions": dimensions}], "NextToken": "more"}
        stub.add_response("list_metrics", first, given)
        stub.add_response("list_metrics", {"Metrics": [metric]}, {**given, "NextToken": "more"})
        found = list(cloudwatch.list_metrics("N", dimensions=[("a", "1")], account="2"))
    assert found == [("N", "M", (("a", "1"), ("b", "2"))), ("N", "M", ())]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("p99", True),
        ("p99.9", True),
        ("TM(25%:75%)", True),
        ("PR(:300)", True),
        ("tm90", True),
        ("IQM", True),
        ("Sum", False),
        ("le:0.5", False),
        ("p", False),
        ("zero_count", False),
    ],
)
def test_extended_statistics(name: str, known: bool) -> None:
    assert is_statistic(name) is known
