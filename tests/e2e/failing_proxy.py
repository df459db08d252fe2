"""A proxy before the server that fails now and then, before or after the server has its request."""

import http.client
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FailingProxy:
    """Its URL, and how often it has failed so far."""

    url: str
    refused: int = 0
    swallowed: int = 0


@contextmanager
def failing_proxy(port: int, seed: int, share: float) -> Iterator[FailingProxy]:
    """Pass requests on to a port of 127.0.0.1; every request's first attempt may fail.

    Half of the failures are 503s that the server never hears of, half are answers of the server
    that get lost, after which the same request comes again.
    """
    draws = random.Random(seed)
    seen: set[str] = set()
    lock = threading.Lock()
    state = FailingProxy("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                request_id = self.headers["X-Amz-Firehose-Request-Id"]
                draw = 1.0 if request_id in seen else draws.random()
                seen.add(request_id)
                state.refused += draw < share / 2
                state.swallowed += share / 2 <= draw < share
            if draw < share / 2:
                self._answer(503, b"down for a moment", "text/plain")
                return
            status, content, media_type = self._pass_on(body)
            if draw < share:
                self._answer(502, b"the answer got lost", "text/html")
            else:
                self._answer(status, content, media_type)

        def _pass_on(self, body: bytes) -> tuple[int, bytes, str]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("POST", self.path, body, dict(self.headers.items()))
                answer = connection.getresponse()
                return answer.status, answer.read(), answer.headers["Content-Type"]
            finally:
                connection.close()

        def _answer(self, status: int, content: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
