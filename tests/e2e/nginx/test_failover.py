"""Servers that are down, sick or silent."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.deliveries import envelope, metric_lines
from tests.e2e.nginx.conftest import ONE_POINT, Site, conforms, deliver, stand_in
from tests.fixtures.nginx import nginx
from tests.fixtures.server import free_port

pytestmark = pytest.mark.e2e

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 17\r\n"
    b'Content-Length: 63\r\n\r\n{"requestId": "id", "timestamp": 5, "errorMessage": "the queue"}'
)
BUSY = BUSY.replace(b"63", str(len(BUSY.partition(b"\r\n\r\n")[2])).encode())


def answering(status: str) -> Callable[[bytes], bytes]:
    """A server that gives every request the same reply but for its status."""
    return lambda _: BUSY.replace(b"503 Service Unavailable", status.encode())


def test_a_server_that_is_killed_costs_nothing(site: Site) -> None:
    try:
        with site.proxy.client() as client:
            for n in range(30):
                if n == 10:
                    site.second.kill()
                body = envelope([metric_lines("Killed", n)])
                conforms(deliver(client, body, f"killed-{n}"), 200, f"killed-{n}")
    finally:
        site.second.start()
    assert site.holds("Killed") == 30


def test_when_all_are_down_firehose_is_told_to_come_again(tmp_path: Path) -> None:
    with nginx([free_port(), free_port()], tmp_path) as proxy, proxy.client() as client:
        for _ in range(10):
            answer = deliver(client)
            assert "no Hydrant server" in conforms(answer, 503)
            assert answer.headers.get_list("retry-after") == ["5"]
            assert abs(answer.json()["timestamp"] - time.time() * 1000) < 60_000
        with proxy.client(proxy.read_url) as reader:
            answer = reader.get("/api/v1/services")
        assert (answer.status_code, answer.json()["kind"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "5"


def test_a_server_comes_back_into_turn_by_itself(site: Site, tmp_path: Path) -> None:
    ports = [free_port()]
    with nginx(ports, tmp_path, changes={"fail_timeout=5s": "fail_timeout=1s"}) as proxy:
        with proxy.client() as client:
            conforms(deliver(client), 503)
            proxy.change({f":{ports[0]} ": f":{site.first.port} "})
            proxy.reload()
        with proxy.client() as client:
            conforms(deliver(client), 200)


@pytest.mark.parametrize(
    "sick",
    [
        answering("503 Service Unavailable"),
        answering("502 Bad Gateway"),
        lambda _: b"",
        lambda _: b"HTTP/1.1 200 OK\r\n\0\r\n\r\n",
    ],
    ids=["busy", "gateway", "hangs up", "nonsense"],
)
def test_what_one_server_cannot_take_another_does(
    site: Site, tmp_path: Path, sick: Callable[[bytes], bytes]
) -> None:
    with stand_in(sick) as (port, received):
        with nginx([port, site.first.port], tmp_path) as proxy, proxy.client() as client:
            for n in range(6):
                conforms(deliver(client, request_id=f"sick-{n}"), 200, f"sick-{n}")
        assert received
        # The body was sent to the first in full, and again to the second.
        assert all(request.endswith(ONE_POINT) for request in received)


def test_a_silent_server_is_given_up_in_favour_of_another(site: Site, tmp_path: Path) -> None:
    def silent(_: bytes) -> bytes:
        time.sleep(2.5)
        return b""

    quick = {"proxy_read_timeout 70s": "proxy_read_timeout 1s"}
    with (
        stand_in(silent) as (port, received),
        nginx([port, site.first.port], tmp_path, changes=quick) as proxy,
        proxy.client() as client,
    ):
        for n in range(2):
            conforms(deliver(client, request_id=f"silent-{n}"), 200, f"silent-{n}")
        assert received


def test_when_all_are_busy_their_own_words_reach_firehose(tmp_path: Path) -> None:
    with (
        stand_in(answering("503 Service Unavailable")) as (first, _),
        stand_in(answering("503 Service Unavailable")) as (second, _),
        nginx([first, second], tmp_path) as proxy,
        proxy.client() as client,
    ):
        answer = deliver(client)
        assert conforms(answer, 503) == "the queue"
        assert answer.headers.get_list("retry-after") == ["17"]


def test_what_one_server_fails_at_is_not_given_to_the_next(tmp_path: Path) -> None:
    with (
        stand_in(answering("500 Internal Server Error")) as (first, of_first),
        stand_in(answering("500 Internal Server Error")) as (second, of_second),
        nginx([first, second], tmp_path) as proxy,
        proxy.client() as client,
    ):
        assert conforms(deliver(client), 500) == "the queue"
        assert len(of_first) + len(of_second) == 1


def test_a_server_keeps_an_idle_connection_longer_than_a_proxy_does(site: Site) -> None:
    # uvicorn's own time is 5 seconds. NGINX closes after 60, a load balancer of AWS after 175.
    time.sleep(max(0.0, site.idle_since + 6 - time.monotonic()))
    connected = site.idle.sock
    site.idle.request("GET", "/healthz")
    assert site.idle.getresponse().read()
    assert site.idle.sock is connected
