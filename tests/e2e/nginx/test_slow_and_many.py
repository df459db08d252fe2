"""Clients that are slow or too many, disks that are full, and reloads while deliveries come in."""

import os
import signal
import ssl
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from tests.e2e.nginx.conftest import (
    ONE_POINT,
    Site,
    answer_of,
    conforms,
    connection,
    deliver,
    head,
)
from tests.fixtures.nginx import RunningNginx, nginx
from tests.fixtures.server import DELIVERY_PATH, RunningServer

pytestmark = pytest.mark.e2e

# More than NGINX keeps in memory: when it lies in a file, its head has been read.
LARGE = ONE_POINT.ljust(2 << 20)

T = TypeVar("T")


def eventually(look: Callable[[], T]) -> T:
    """The first result that is true, within ten seconds."""
    deadline = time.monotonic() + 10
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


# Slow clients


def accepted(server: RunningServer) -> float:
    """How many bytes of bodies a server has read."""
    lines = server.client.get("/metrics").text.splitlines()
    name = 'hydrant_delivery_body_bytes_total{route="firehose"}'
    return sum(float(line.split()[1]) for line in lines if line.startswith(name))


def test_a_slow_client_holds_no_server_and_its_body_is_for_nobody_else(
    site: Site, tmp_path: Path
) -> None:
    with nginx([site.first.port], tmp_path) as proxy, connection(proxy) as conversation:
        before = accepted(site.first)
        conversation.sendall(head(DELIVERY_PATH, len(LARGE)) + LARGE[:-1])
        (file,) = eventually(lambda: [f for f in bodies(proxy) if f.st_size > 1 << 20])
        # Nobody can open it: it has no name, and nobody could if it had.
        directory = proxy.directory / "cache" / "client_body"
        assert stat.S_IMODE(file.st_mode) == 0o600
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert list(directory.iterdir()) == []
        assert connections_to(site.first.port, proxy) == 0
        assert accepted(site.first) == before
        conversation.sendall(LARGE[-1:])
        assert answer_of(conversation).startswith(b"HTTP/1.1 200 ")
        assert accepted(site.first) == before + len(LARGE)
        assert eventually(lambda: not bodies(proxy))


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"client_header_timeout 15s": "client_header_timeout 1s"}, 20),
        ({"client_body_timeout 30s": "client_body_timeout 1s"}, -1),
    ],
    ids=["headers", "body"],
)
def test_a_client_that_is_too_slow_is_cut_off(
    site: Site, tmp_path: Path, changes: dict[str, str], sent: int
) -> None:
    before = accepted(site.first)
    whole = head(DELIVERY_PATH, len(ONE_POINT)) + ONE_POINT
    with (
        nginx([site.first.port], tmp_path, changes=changes) as proxy,
        connection(proxy) as conversation,
    ):
        conversation.sendall(whole[:sent])
        assert not answer_of(conversation).startswith(b"HTTP/1.1 200 ")
    assert accepted(site.first) == before


def open_files(proxy: RunningNginx) -> dict[Path, str]:
    """The files and sockets that the proxy's workers have open, and where they lead."""
    entries = [e for pid in proxy.workers() for e in Path(f"/proc/{pid}/fd").iterdir()]
    return {entry: str(entry.readlink()) for entry in entries}


def bodies(proxy: RunningNginx) -> list[os.stat_result]:
    """The bodies that lie in files now."""
    place = str(proxy.directory / "cache" / "client_body")
    return [e.stat() for e, target in open_files(proxy).items() if target.startswith(place)]


def connections_to(port: int, proxy: RunningNginx) -> int:
    """How many connections the proxy's workers have to a port of 127.0.0.1."""
    sockets = set(open_files(proxy).values())
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2] == f"0100007F:{port:04X}" and f"socket:[{row[9]}]" in sockets for row in rows)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; making one takes root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["/bin/umount", str(place)], check=True)


def test_a_full_disk_is_answered_so_that_firehose_comes_again(
    site: Site, small_disk: Path, tmp_path: Path
) -> None:
    with nginx([site.first.port], tmp_path / "proxy") as proxy:
        proxy.change({f"{proxy.directory}/cache/client_body": f"{small_disk}/client_body"})
        proxy.reload()
        with proxy.client() as client:
            answer = deliver(client, ONE_POINT.ljust(8 << 20))
            assert "send it again" in conforms(answer, 503)
            conforms(deliver(client), 200)


# Limits


def test_many_streams_behind_one_address_are_not_limited(site: Site) -> None:
    def burst(number: int) -> list[int]:
        with site.proxy.client() as client:
            return [client.get("/healthz").status_code for _ in range(number)]

    with ThreadPoolExecutor(10) as pool:
        statuses = {status for found in pool.map(burst, [50] * 10) for status in found}
    assert statuses == {200}


def test_more_requests_than_any_firehose_sends_are_put_off(site: Site, tmp_path: Path) -> None:
    slow = {"rate=300r/s": "rate=1r/m", "burst=600": "burst=2"}
    with nginx([site.first.port], tmp_path, changes=slow) as proxy, proxy.client() as client:
        answers = [deliver(client) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 3
        assert "too many requests" in conforms(answers[-1], 429)
        assert answers[-1].headers["retry-after"] == "5"


def test_more_requests_at_once_than_any_firehose_has_are_put_off(
    site: Site, tmp_path: Path
) -> None:
    one = {"limit_conn hydrant_connections 100": "limit_conn hydrant_connections 1"}
    with (
        nginx([site.first.port], tmp_path, changes=one) as proxy,
        connection(proxy) as first,
        proxy.client() as client,
    ):
        first.sendall(head(DELIVERY_PATH, len(ONE_POINT)) + ONE_POINT[:-1])
        eventually(lambda: deliver(client).status_code == 429)
        assert "too many requests" in conforms(deliver(client), 429)
        first.sendall(ONE_POINT[-1:])
        assert answer_of(first).startswith(b"HTTP/1.1 200 ")


# Reloads


def certificate(conversation: ssl.SSLSocket) -> bytes:
    shown = conversation.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_a_reload_takes_a_new_certificate_and_ends_nothing(site: Site, tmp_path: Path) -> None:
    with nginx([site.first.port], tmp_path) as proxy, connection(proxy) as under_way:
        under_way.sendall(head(DELIVERY_PATH, len(LARGE)) + LARGE[:-1])
        old = certificate(under_way)
        eventually(lambda: bodies(proxy))
        proxy.issue_certificates()
        proxy.reload()
        with connection(proxy) as fresh:
            assert certificate(fresh) != old
        with proxy.client() as client:
            conforms(deliver(client), 200)
        under_way.sendall(LARGE[-1:])
        assert answer_of(under_way).startswith(b"HTTP/1.1 200 ")


def test_a_reload_of_broken_files_changes_nothing(site: Site, tmp_path: Path) -> None:
    with nginx([site.first.port], tmp_path) as proxy:
        proxy.change({"server_tokens off;": "server_tokens perhaps;"})
        os.kill(proxy.pid, signal.SIGHUP)
        eventually(lambda: "perhaps" in (proxy.logs / "error.log").read_text())
        with proxy.client() as client:
            conforms(deliver(client), 200)
