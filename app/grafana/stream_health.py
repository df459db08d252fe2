"""The dashboard of the way here: metric streams and the Firehose, as they see themselves.

What Hydrant sees of them is under /api/v1/streams and, as warnings, in its own /metrics.
"""

from app.grafana.model import Dashboard, Panel, Query, Row, Variable
from app.grafana.selectors import STREAM, highest, latest, per_second, per_step

_FIREHOSE = "aws_firehose_stream"
_STREAM = "aws_metric_stream"
_NAME = "{{endpoint}}"
_SELECTED = f"{_FIREHOSE}_incoming_records"


def stream_health() -> Dashboard:
    """The dashboard of streams."""
    return Dashboard(
        "hydrant-stream-health",
        "Metric streams and Firehose",
        "Needs AWS/Firehose and AWS/CloudWatch/MetricStreams among the namespaces of the stream."
        " When the delivery stands still, so do these graphs: alarms belong on AWS's side too.",
        (
            Variable("account", "Account", _SELECTED, "account"),
            Variable("region", "Region", f'{_SELECTED}{{account=~"$account"}}', "region"),
            Variable(
                "stream",
                "Stream",
                f'{{__name__=~"{_SELECTED}|{_STREAM}_metric_updates",'
                ' account=~"$account", region=~"$region"}',
                "endpoint",
            ),
        ),
        (
            Row("Delivery to Hydrant", _delivery()),
            Row("What comes into the Firehose", _incoming()),
            Row("Backup in S3: what was not delivered", _backup()),
            Row("The metric stream", _metric_stream()),
        ),
    )


def _delivery() -> tuple[Panel, ...]:
    return (
        Panel(
            "Age of the oldest record",
            (Query(highest(f"{_FIREHOSE}_http_data_freshness", STREAM), _NAME),),
            "s",
            "Rising beyond the buffering time: Hydrant does not take what comes.",
            thresholds=((300.0, "orange"), (1800.0, "red")),
        ),
        Panel(
            "Successful requests",
            (Query(latest(f"{_FIREHOSE}_http_success_rate", STREAM), _NAME),),
            "percent",
            "Of the Firehose's requests to Hydrant. What failed is tried again.",
            maximum=100.0,
        ),
        Panel(
            "Delivered per second",
            (Query(per_second(f"{_FIREHOSE}_http_delivered_bytes", STREAM), _NAME),),
            "Bps",
            "Bytes that Hydrant has acknowledged.",
        ),
    )


def _incoming() -> tuple[Panel, ...]:
    return (
        Panel(
            "Bytes per second",
            (
                Query(per_second(f"{_FIREHOSE}_incoming_bytes", STREAM), _NAME),
                Query(latest(f"{_FIREHOSE}_bytes_per_second_limit", STREAM), f"limit {_NAME}"),
            ),
            "Bps",
            "Above the limit the Firehose throttles the metric stream.",
        ),
        Panel(
            "Records per second",
            (
                Query(per_second(f"{_FIREHOSE}_incoming_records", STREAM), _NAME),
                Query(latest(f"{_FIREHOSE}_records_per_second_limit", STREAM), f"limit {_NAME}"),
            ),
            "short",
            "Records of the metric stream.",
        ),
        Panel(
            "Throttled records",
            (Query(per_step(f"{_FIREHOSE}_throttled_records", STREAM), _NAME),),
            "short",
            "Records that the Firehose did not take at once.",
            stacked=True,
            rare=True,
        ),
    )


def _backup() -> tuple[Panel, ...]:
    return (
        Panel(
            "Records",
            (Query(per_step(f"{_FIREHOSE}_backup_records", STREAM), _NAME),),
            "short",
            "Written to S3 because they could not be delivered: hydrant replay reads them.",
            stacked=True,
            rare=True,
        ),
        Panel(
            "Bytes",
            (Query(per_step(f"{_FIREHOSE}_backup_bytes", STREAM), _NAME),),
            "bytes",
            "The same in bytes.",
            stacked=True,
            rare=True,
        ),
        Panel(
            "Successful writes",
            (Query(latest(f"{_FIREHOSE}_backup_success_rate", STREAM), _NAME),),
            "percent",
            "Below 100 records are lost for good: look at the role and the bucket.",
            maximum=100.0,
            rare=True,
        ),
    )


def _metric_stream() -> tuple[Panel, ...]:
    return (
        Panel(
            "Metric updates per second",
            (Query(per_second(f"{_STREAM}_metric_updates", STREAM), _NAME),),
            "short",
            "What the stream costs. None at all is a stream that has stopped.",
            width=12,
        ),
        Panel(
            "Failed writes to the Firehose",
            (Query(latest(f"{_STREAM}_publish_error_rate", STREAM), _NAME),),
            "percent",
            "Above 0 for long: the stream's role, or throttling by the Firehose.",
            width=12,
        ),
    )
