"""A real server of its own process for a benchmark."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx

_LONGEST_STOP_SECONDS = 120


@contextmanager
def running_server(
    environment: Mapping[str, str], command: Sequence[str] = ("-m", "app.cli")
) -> Iterator[tuple[str, int]]:
    """The URL and the process id of a server that takes requests; it ends with the context."""
    port = 20_000 + secrets.randbelow(20_000)
    whole = [sys.executable, *command, "serve", "--port", str(port)]
    with subprocess.Popen(whole, env={**os.environ, **environment}) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _await_ready(url, process)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(_LONGEST_STOP_SECONDS)


def _await_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")
