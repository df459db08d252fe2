"""Sending requests over HTTP, driven by `attempts` (section A.3).

`Endpoint` is one attempt, `HttpDelivery` all attempts of a request. Both are safe to use from
several threads.
"""

import itertools
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import httpx

from app.clock import Clock
from app.errors import InvalidParameter
from app.simulator.attempts import MAX_BACKOFF_SECONDS, Outcome, Send, attempts
from app.simulator.buffering import FirehoseRequest
from app.simulator.draws import uniform
from app.simulator.replies import MAX_REPLY_BYTES, Failure, Reply, judge

TIMEOUT_SECONDS = 180.0
_STOP_CHECK_SECONDS = 0.5


class Delivery(Protocol):
    """Where requests go. Implementations are safe to use from several threads."""

    def deliver(self, request: FirehoseRequest) -> Outcome:
        """Return when the request is acknowledged or given up."""
        ...

    def close(self) -> None:
        """Release connections; nothing may be delivered afterwards."""
        ...


class Endpoint:
    """An HTTP endpoint destination: its URL, its connections and the 3-minute timeout.

    With a `ca_file` its certificates are trusted and no others. Raises ``InvalidParameter`` when
    there are none in it.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        insecure: bool = False,
        ca_file: Path | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._url = url
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        # A proxy or a .netrc of the user's would not be there for Firehose.
        self._client = httpx.Client(
            verify=not insecure if ca_file is None else _trusting(ca_file),
            timeout=timeout_seconds,
            follow_redirects=False,
            trust_env=False,
        )
        for name in ("accept", "accept-encoding"):
            del self._client.headers[name]

    def post(self, request: FirehoseRequest) -> Failure | None:
        """Send once; return None when the endpoint acknowledged."""
        try:
            reply = self._exchange(request)
        except httpx.TimeoutException:
            return Failure(
                "HttpEndpoint.RequestTimeout", f"no response in {self._timeout_seconds:g} s"
            )
        except httpx.ConnectError as error:
            text = str(error)
            if "SSL" in text or "CERTIFICATE" in text:
                return Failure("HttpEndpoint.SSLHandshakeFailure", text)
            return Failure("HttpEndpoint.ConnectionFailed", text)
        except httpx.TransportError as error:
            return Failure("HttpEndpoint.ConnectionReset", str(error) or type(error).__name__)
        return judge(reply, request.request_id)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _exchange(self, request: FirehoseRequest) -> Reply:
        deadline = self._clock.monotonic() + self._timeout_seconds
        headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
        with self._client.stream(
            "POST", self._url, content=request.body, headers=headers
        ) as response:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    break
                # The client's own timeout is per read; a trickle would never meet it.
                if self._clock.monotonic() > deadline:
                    raise httpx.ReadTimeout("the response took too long")
            return Reply(response.status_code, dict(response.headers), bytes(body))


def _trusting(ca_file: Path) -> ssl.SSLContext:
    """TLS settings that trust the certificates of a PEM file and no others."""
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except ssl.SSLError as error:
        raise InvalidParameter("--ca-file", f"{ca_file} has no certificate in PEM") from error
    except OSError as error:
        raise InvalidParameter("--ca-file", f"{ca_file}: {error.strerror}") from error


class HttpDelivery:
    """Delivers to an endpoint with Firehose's retries.

    `stop` ends a wait early; `report` gets a line for people before each wait.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        stop: threading.Event,
        *,
        retry_seconds: float,
        longest_backoff_seconds: float = MAX_BACKOFF_SECONDS,
        seed: int = 0,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._stop = stop
        self._retry_seconds = retry_seconds
        self._longest_backoff_seconds = longest_backoff_seconds
        self._seed = seed
        self._report = report

    def deliver(self, request: FirehoseRequest) -> Outcome:
        """Return when the request is acknowledged, given up, or cut short by `stop`."""
        numbers = itertools.count()
        steps = attempts(
            self._retry_seconds,
            lambda: uniform(self._seed, request.request_id, "jitter", next(numbers)),
            self._longest_backoff_seconds,
        )
        answer: Failure | None = None
        made = 0
        step = next(steps)
        while True:
            if isinstance(step, Send):
                answer = self._endpoint.post(request)
                made += 1
            else:
                if answer is not None:
                    self._report(
                        f"{request.request_id} attempt {made}: {answer.code}: {answer.message}"
                        f" (again in {step.seconds:.1f} s)"
                    )
                if not self._waited(step.seconds):
                    return Outcome(made, answer)
            try:
                step = steps.send(answer)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome

    def close(self) -> None:
        """Close the endpoint's connections."""
        self._endpoint.close()

    def _waited(self, seconds: float) -> bool:
        until = self._clock.monotonic() + seconds
        while not self._stop.is_set():
            left = until - self._clock.monotonic()
            if left <= 0:
                return True
            self._clock.sleep(min(left, _STOP_CHECK_SECONDS))
        return False
