"""Requests on their way to a server over several connections, as fast as it takes them or paced."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from app.simulator.buffering import FirehoseRequest

_LONGEST_ANSWER_SECONDS = 180.0


@dataclass(slots=True)
class Sent:
    """Seconds from when each request was due to its answer, and from the first to the last."""

    answers: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def quantile(self, share: float) -> float:
        """Answer time below which a share of the requests was answered."""
        ordered = sorted(self.answers)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def send(
    url: str,
    requests: Sequence[FirehoseRequest],
    connections: int,
    *,
    requests_per_second: float | None = None,
) -> Sent:
    """Send all requests, each once; with a rate each is due at its own time, answered or not.

    Raises ``SystemExit`` when one is refused.
    """
    sent = Sent()
    pending = iter(enumerate(requests))
    lock = threading.Lock()
    faults: list[str] = []
    started = time.perf_counter()

    def work() -> None:
        with httpx.Client(trust_env=False, timeout=_LONGEST_ANSWER_SECONDS) as client:
            while not faults:
                with lock:
                    number, request = next(pending, (0, None))
                if request is None:
                    return
                due = time.perf_counter()
                if requests_per_second is not None:
                    due = started + number / requests_per_second
                    time.sleep(max(0.0, due - time.perf_counter()))
                answer = client.post(
                    f"{url}/aws/firehose/metrics", content=request.body, headers=request.headers
                )
                sent.answers.append(time.perf_counter() - due)
                if not answer.is_success:
                    faults.append(f"{answer.status_code}: {answer.text}")

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SystemExit(f"a delivery was refused: {faults[0]}")
    sent.seconds = time.perf_counter() - started
    return sent
