"""Expressions that the dashboards share: selectors over the variables, sums and rates of a step.

Values are per minute, so a graph of a longer step has to say how its minutes combine: sums add up
with ``sum_over_time``, maxima with ``max_over_time``. ``rate`` is for counters, which they are not.
"""

from app.grafana.model import Query, Variable

ACCOUNT = 'account=~"$account"'
PLACE = f'{ACCOUNT}, region=~"$region"'
TABLE = f'{PLACE}, endpoint=~"$table"'
INDEX = f'{TABLE}, GlobalSecondaryIndexName=~"$index"'
STREAM = f'{PLACE}, endpoint=~"$stream"'

ACCOUNT_VARIABLE = Variable(
    "account", "Account", "aws_dynamodb_consumed_read_capacity_units", "account"
)
REGION_VARIABLE = Variable(
    "region",
    "Region",
    f"aws_dynamodb_endpoint_consumed_read_capacity_units{{{ACCOUNT}}}",
    "region",
)
TABLE_VARIABLE = Variable(
    "table",
    "Table",
    f"aws_dynamodb_endpoint_consumed_read_capacity_units{{{PLACE}}}",
    "endpoint",
)
INDEX_VARIABLE = Variable(
    "index",
    "Index",
    f"aws_dynamodb_endpoint_index_consumed_read_capacity_units{{{TABLE}}}",
    "GlobalSecondaryIndexName",
)


def per_step(metric: str, selector: str) -> str:
    """The sum over each step of a metric that adds up."""
    return f"sum_over_time({metric}{{{selector}}}[$__interval])"


def per_second(metric: str, selector: str) -> str:
    """The same, per second."""
    return f"{per_step(metric, selector)} / ($__interval_ms / 1000)"


def highest(metric: str, selector: str) -> str:
    """The maximum of each step."""
    return f"max_over_time({metric}{{{selector}}}[$__interval])"


def latest(metric: str, selector: str) -> str:
    """The value as it stands; CloudWatch sends settings and limits once in five minutes."""
    return f"{metric}{{{selector}}}"


def total(metric: str, selector: str) -> str:
    """The sum over the whole time range."""
    return f"sum_over_time({metric}{{{selector}}}[$__range])"


def top(metric: str, selector: str, labels: str, most: int = 10) -> Query:
    """A table of those with the largest sum over the time range."""
    return Query(f"topk({most}, sum by ({labels}) ({total(metric, selector)}))", instant=True)


def causes(prefix: str, direction: str, selector: str, by: str) -> tuple[Query, ...]:
    """Throttle events per step by the cause that DynamoDB gives; ``direction`` is read or write."""
    return tuple(
        Query(
            f"sum by ({by}) ("
            + per_step(f"{prefix}_{direction}_{cause}_throttle_events", selector)
            + ")",
            f"{title} {{{{{by.rpartition(', ')[2]}}}}}",
        )
        for cause, title in CAUSES
    )


CAUSES = (
    ("provisioned_throughput", "provisioned"),
    ("key_range_throughput", "hot partition"),
    ("account_limit", "account limit"),
    ("max_on_demand_throughput", "on-demand maximum"),
)
"""DynamoDB's four causes of throttling, as in the names of its metrics of 2025, in plain words."""
