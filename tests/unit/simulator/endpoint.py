"""A real HTTP endpoint on the loopback interface, told beforehand what to answer."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A raw answer; `body` None closes the connection without one."""

    status: int = 200
    body: bytes | None = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON_TYPE))
    with_length: bool = True


Rule = Callable[[int, Received], Answer]


def acknowledged(request: Received, **fields: object) -> Answer:
    content = {"requestId": request.headers["x-amz-firehose-request-id"], "timestamp": 1, **fields}
    return Answer(body=json.dumps(content).encode())


@dataclass
class Server:
    url: str
    received: list[Received]


@contextmanager
def serving(rule: Rule) -> Iterator[Server]:
    """Serve until the block ends; `rule` gets the number of the request, from 0."""
    received: list[Received] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.path, headers, body)
            with lock:
                received.append(request)
                number = len(received) - 1
            answer = rule(number, request)
            if answer.body is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.with_length:
                self.send_header("Content-Length", str(len(answer.body)))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_address[1]}/any/path?x=1", received)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
