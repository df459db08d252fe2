"""The charts of an account, as the browser draws them."""

from collections.abc import Mapping, Sequence

from app.promql.parsing.quoting import quoted

_PREFIX = "aws_dynamodb"
_SECONDS = 60


def account_charts(account: str) -> list[Mapping[str, object]]:
    """Load, trouble and provisioned shares of the account, over all of its regions."""
    selector = f"{{account={quoted(account)}}}"

    def rate(metric: str) -> str:
        # Values are sums of a minute.
        return f"sum(avg_over_time({_PREFIX}_{metric}{selector}[$__interval])) / {_SECONDS}"

    def events(metric: str) -> str:
        return f"sum(sum_over_time({_PREFIX}_{metric}{selector}[$__interval]))"

    def share(direction: str) -> str:
        metric = f"{_PREFIX}_account_provisioned_{direction}_capacity_utilization"
        return f"max(max_over_time({metric}{selector}[$__interval]))"

    return [
        _chart(
            "Requests",
            "Those that succeeded.",
            "per_second",
            [(rate("successful_requests"), "requests")],
        ),
        _chart(
            "Consumed capacity",
            "By tables, without their indexes.",
            "units_per_second",
            [
                (rate("consumed_read_capacity_units"), "read"),
                (rate("consumed_write_capacity_units"), "write"),
            ],
        ),
        _chart(
            "Throttle events",
            "Events in each step; one request may have several.",
            "count",
            [(events("read_throttle_events"), "read"), (events("write_throttle_events"), "write")],
            kind="bars",
            empty="Nothing was throttled in this time.",
        ),
        _chart(
            "Errors",
            "Requests answered with HTTP 500 and 400 in each step.",
            "count",
            [
                (events("read_system_errors"), "500, reads"),
                (events("write_system_errors"), "500, writes"),
                (events("user_errors"), "400"),
            ],
            kind="bars",
            empty="No request failed in this time.",
        ),
        _chart(
            "Provisioned share of the account's limit",
            "At 100 % no table can be given more capacity until the limit has been raised.",
            "percent",
            [(share("read"), "read"), (share("write"), "write")],
            thresholds=[
                {"value": 80, "severity": "warning", "label": "80 %"},
                {"value": 100, "severity": "critical", "label": "limit"},
            ],
            empty="CloudWatch has delivered no share of the limit in this time.",
        ),
    ]


def _chart(
    title: str,
    description: str,
    unit: str,
    queries: Sequence[tuple[str, str]],
    *,
    kind: str = "line",
    thresholds: Sequence[Mapping[str, object]] = (),
    empty: str = "There are no values in this time.",
) -> Mapping[str, object]:
    return {
        "title": title,
        "description": description,
        "unit": unit,
        "type": kind,
        "stacked": kind == "bars",
        "queries": [
            {"expression": expression, "legend": legend, "instant": False}
            for expression, legend in queries
        ],
        "thresholds": list(thresholds),
        "minimum": 0,
        "maximum": None,
        "empty": empty,
    }
