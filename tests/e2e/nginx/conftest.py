"""One proxy before two servers for tests that leave them as they were, and requests by hand."""

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from app.simulator.replies import Reply, nonconformity
from tests.e2e.deliveries import envelope, metric_lines
from tests.fixtures.nginx import DEBIAN_MAIN, RunningNginx, nginx
from tests.fixtures.server import ACCESS_KEY, DELIVERY_PATH, RunningServer

KEY_HEADER = "X-Amz-Firehose-Access-Key"
ID_HEADER = "X-Amz-Firehose-Request-Id"
ONE_POINT = envelope([metric_lines("Proxied")])


@dataclass(frozen=True)
class Site:
    """A proxy and the servers behind it."""

    proxy: RunningNginx
    first: RunningServer
    second: RunningServer
    idle: http.client.HTTPConnection
    """To the first server, with one request behind it."""
    idle_since: float

    def holds(self, metric: str) -> int:
        """How many points of a metric the servers have between them."""
        query = f"SELECT COUNT(*) FROM v_points WHERE metric = '{metric}'"
        return sum(int(server.rows(query)[0][0]) for server in (self.first, self.second))


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Under Debian's main file, whose gzip and old TLS versions the servers must not inherit."""
    directory = tmp_path_factory.mktemp("site")
    servers = []
    for name in ("first", "second"):
        (directory / name).mkdir()
        database = f"sqlite:///{directory / name / 'hydrant.db'}"
        servers.append(RunningServer(directory / name, database))
    first, second = servers
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(RunningServer.start, servers))
        idle = http.client.HTTPConnection("127.0.0.1", first.port)
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        since = time.monotonic()
        ports = [first.port, second.port]
        with closing(idle), nginx(ports, directory / "proxy", main=DEBIAN_MAIN) as proxy:
            yield Site(proxy, first, second, idle, since)
    finally:
        first.close()
        second.close()


def deliver(
    client: httpx.Client,
    body: bytes | Iterator[bytes] = ONE_POINT,
    request_id: str = "id",
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Post a delivery with the servers' key, unless the headers say otherwise."""
    given = {KEY_HEADER: ACCESS_KEY, ID_HEADER: request_id, "Content-Type": "application/json"}
    # By httpx' own rules names are equal whatever their case.
    return client.post(
        DELIVERY_PATH, content=body, headers=httpx.Headers({**given, **(headers or {})})
    )


def conforms(answer: httpx.Response, status: int, request_id: str = "id") -> str:
    """Assert that Firehose can read a reply of this status; returns its errorMessage."""
    assert answer.status_code == status, answer.text
    reply = Reply(answer.status_code, dict(answer.headers), answer.content)
    assert nonconformity(reply, request_id) is None, answer.text
    message = answer.json().get("errorMessage", "")
    assert not set(message) & set('"\\\n')
    return str(message)


def head(path: str, length: int, method: str = "POST", host: str = "127.0.0.1") -> bytes:
    """The head of a delivery whose body is yet to come."""
    fields = {
        "Host": host,
        KEY_HEADER: ACCESS_KEY,
        ID_HEADER: "id",
        "Content-Type": "application/json",
        "Content-Length": str(length),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def connection(
    proxy: RunningNginx,
    settings: ssl.SSLContext | None = None,
    *,
    port: int | None = None,
    name: str = "127.0.0.1",
) -> ssl.SSLSocket:
    """A TLS connection; without SNI as long as the name is an address."""
    plain = socket.create_connection(("127.0.0.1", port or proxy.public_port), timeout=20)
    try:
        return (settings or proxy.trust()).wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def answer_of(conversation: ssl.SSLSocket) -> bytes:
    """One answer, or what there is of it when the other side closes or resets."""
    received = b""
    try:
        while not _is_whole(received) and (piece := conversation.recv(65_536)):
            received += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return received


def _is_whole(message: bytes) -> bool:
    start, end, body = message.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: *(\d+)", start, re.MULTILINE)
    return bool(end) and len(body) >= int(length[1] if length else 0)


@contextmanager
def stand_in(answer: Callable[[bytes], bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """A server in NGINX's eyes, on a port: gives these raw answers to raw requests it records.

    An empty answer closes the connection.
    """
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                request = _request(peer)
                received.append(request)
                peer.sendall(answer(request))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], received
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _request(peer: socket.socket) -> bytes:
    request = b""
    while not _is_whole(request) and (piece := peer.recv(65_536)):
        request += piece
    return request
