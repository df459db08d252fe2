"""Firehose's buffer and the requests that it cuts from it (sections A.1 and A.6).

Size and interval are hints: a request closes with the record that reaches the size, or when the
oldest record has waited for the interval.
"""

import base64
import gzip
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from app.simulator.draws import key_of
from app.simulator.records import Record

MAX_BUFFER_BYTES = 64 << 20
MAX_RECORDS = 10_000
_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class FirehoseRequest:
    """One HTTP request as it goes over the wire, and again at each attempt.

    `records` are the bytes before base64, `body` the bytes after gzip if there is any.
    """

    request_id: str
    timestamp_ms: int
    records: tuple[bytes, ...]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class DeliveryStream:
    """A Firehose: who sends, and how its requests look. An empty access key means none."""

    name: str
    account: str
    region: str
    access_key: str = ""
    common_attributes: tuple[tuple[str, str], ...] = ()
    gzip: bool = False

    @property
    def arn(self) -> str:
        """The source ARN of the delivery stream; it says nothing about the metrics inside."""
        return f"arn:aws:firehose:{self.region}:{self.account}:deliverystream/{self.name}"

    def request(
        self, request_id: str, timestamp_ms: int, records: Sequence[bytes]
    ) -> FirehoseRequest:
        """Build the request; equal arguments give equal bytes."""
        data = ",".join(f'{{"data":"{base64.b64encode(each).decode()}"}}' for each in records)
        body = (
            f'{{"requestId":"{request_id}","timestamp":{timestamp_ms},"records":[{data}]}}'
        ).encode()
        headers = {
            "X-Amz-Firehose-Protocol-Version": "1.0",
            "X-Amz-Firehose-Request-Id": request_id,
            "X-Amz-Firehose-Source-Arn": self.arn,
            "Content-Type": "application/json",
            "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        }
        if self.access_key:
            headers["X-Amz-Firehose-Access-Key"] = self.access_key
        if self.common_attributes:
            attributes = {"commonAttributes": dict(self.common_attributes)}
            headers["X-Amz-Firehose-Common-Attributes"] = json.dumps(
                attributes, separators=(",", ":")
            )
        if self.gzip:
            headers["Content-Encoding"] = "gzip"
            # Without a modification time equal bodies stay equal bytes.
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        return FirehoseRequest(request_id, timestamp_ms, tuple(records), headers, body)


def request_id(*parts: object) -> str:
    """Return a UUID of version 4 that depends on the parts alone."""
    number = key_of(*parts, "high") << 64 | key_of(*parts, "low")
    return str(uuid.UUID(int=number, version=4))


class Buffer:
    """Records that wait for their request. Times are stream time in milliseconds."""

    def __init__(self, size_bytes: int, interval_ms: int) -> None:
        self._size_bytes = min(size_bytes, MAX_BUFFER_BYTES)
        self._interval_ms = interval_ms
        self._records: list[Record] = []
        self._bytes = 0
        self._oldest_ms = 0

    @property
    def deadline_ms(self) -> int | None:
        """When the buffer must be cut at the latest; None while it is empty."""
        return self._oldest_ms + self._interval_ms if self._records else None

    def add(self, record: Record, now_ms: int) -> list[Record]:
        """Take a record; return the records of a request if that filled the buffer, else []."""
        cut: list[Record] = []
        if self._bytes + len(record.data) > MAX_BUFFER_BYTES:
            cut = self.cut()
        if not self._records:
            self._oldest_ms = now_ms
        self._records.append(record)
        self._bytes += len(record.data)
        if not cut and (self._bytes >= self._size_bytes or len(self._records) >= MAX_RECORDS):
            cut = self.cut()
        return cut

    def cut(self) -> list[Record]:
        """Return all waiting records and forget them."""
        cut, self._records, self._bytes = self._records, [], 0
        return cut
