"""What the simulator writes instead of sending, or after giving up: requests and S3 objects."""

import base64
import hashlib
import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from app.clock import Clock
from app.simulator.attempts import Outcome
from app.simulator.buffering import FirehoseRequest


class ErrorObjects:
    """The S3 objects of failed records, in a local folder (section A.5)."""

    def __init__(self, folder: Path, stream_name: str, clock: Clock) -> None:
        self._folder = folder
        self._stream_name = stream_name
        self._clock = clock

    def write(self, request: FirehoseRequest, outcome: Outcome) -> Path | None:
        """Write one object for a failed request; None for a permanent failure or a success.

        A line per record, in the key layout of `FailedDataOnly` without a custom prefix.
        """
        failure = outcome.failure
        if failure is None or failure.permanent:
            return None
        ended_ms = self._clock.now_ms()
        lines = [
            json.dumps(
                {
                    "attemptsMade": outcome.attempts,
                    "arrivalTimestamp": request.timestamp_ms,
                    "errorCode": failure.code,
                    "errorMessage": failure.message,
                    "attemptEndingTimestamp": ended_ms,
                    "rawData": base64.b64encode(record).decode(),
                    "subsequenceNumber": "0",
                    "dataId": _data_id(request.request_id, position),
                },
                separators=(",", ":"),
            )
            + "\n"
            for position, record in enumerate(request.records)
        ]
        arrival = datetime.fromtimestamp(request.timestamp_ms / 1000, UTC)
        folder = self._folder / "http-endpoint-failed" / f"{arrival:%Y/%m/%d/%H}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._stream_name}-1-{arrival:%Y-%m-%d-%H-%M-%S}-{request.request_id}"
        path = folder / name
        path.write_text("".join(lines), encoding="utf-8")
        return path


class RequestFiles:
    """A delivery that writes every request into a folder, in the order of delivery."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._written = 0
        self._lock = threading.Lock()

    def deliver(self, request: FirehoseRequest) -> Outcome:
        """Write the request as JSON: headers, and the body in base64 because it may be gzip."""
        with self._lock:
            self._written += 1
            path = self._folder / f"{self._written:06d}-{request.request_id}.json"
        content = {
            "headers": request.headers,
            "body_base64": base64.b64encode(request.body).decode(),
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return Outcome(1, None)

    def close(self) -> None:
        """Nothing is held open."""


def _data_id(request_id: str, position: int) -> str:
    # AWS's example looks like hexadecimal of this length; its meaning is not documented.
    return hashlib.sha256(f"{request_id}/{position}".encode()).hexdigest()[:32]
