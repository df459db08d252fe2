"""Deliveries made for a test: envelopes of given records, points of given names."""

import base64
import json
from collections.abc import Sequence

START_MS = 1_727_740_800_000


def envelope(records: Sequence[bytes], request_id: str | None = None) -> bytes:
    """The body of a delivery; without a request id when that is None."""
    body: dict[str, object] = {} if request_id is None else {"requestId": request_id}
    data = [{"data": base64.b64encode(record).decode()} for record in records]
    return json.dumps(body | {"timestamp": START_MS, "records": data}).encode()


def metric_lines(metric: str, table: int = 0, minute: int = 0, value: float = 1.5) -> bytes:
    """One point in CloudWatch JSON, of a DynamoDB metric of a table."""
    point = {
        "metric_stream_name": "stream",
        "account_id": "111122223333",
        "region": "eu-west-1",
        "namespace": "AWS/DynamoDB",
        "metric_name": metric,
        "dimensions": {"TableName": f"table-{table}"},
        "timestamp": START_MS + minute * 60_000,
        "value": {"max": value, "min": value, "sum": value, "count": 1.0},
        "unit": "Count",
    }
    return json.dumps(point).encode() + b"\n"
