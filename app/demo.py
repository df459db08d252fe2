"""``hydrant demo``: the real server and the simulator as two processes, and URLs to try."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import typer

from app.errors import ConfigurationError, Unavailable

_START_SECONDS = 60.0
_FIRST_VALUES_SECONDS = 120.0
_STOP_SECONDS = 40.0
_BACKFILL_MINUTES = 30
_INCIDENTS_SHOWN = 3


def run_demo(directory: Path, port: int, tables: int, seconds: float | None) -> None:
    """Run until Ctrl-C, or for ``seconds`` after the first answers. Stops both processes."""
    url = f"http://127.0.0.1:{port}"
    _check_port(port)
    directory.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(24)
    environment = {
        **os.environ,
        "HYDRANT_ACCESS_KEYS": key,
        "HYDRANT_SIMULATE_ACCESS_KEY": key,
        # It asks without a token, on loopback.
        "HYDRANT_READ_TOKENS": "",
        "HYDRANT_DATABASE": f"sqlite:///{directory.resolve()}/hydrant.db",
    }
    # Told to end in whichever way, the two processes must not be left behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            server_log = stack.enter_context((directory / "server.log").open("w"))
            server = _start(
                stack,
                ["serve", "--host", "127.0.0.1", "--port", str(port)],
                environment,
                server_log.fileno(),
            )
            _await(f"{url}/readyz", server)
            simulation = ["simulate", "--url", url, "--realtime"]
            simulation += ["--backfill", str(_BACKFILL_MINUTES), "--tables", str(tables)]
            simulation += ["--buffer-seconds", "0", "--format", "mixed"]
            log = stack.enter_context((directory / "simulator.log").open("w"))
            _start(stack, simulation, environment, log.fileno())
            typer.echo(f"open {url}/ in a browser: accounts, tables, what is throttled and why")
            typer.echo(f"server at {url}, log in {server_log.name}")
            typer.echo(f"a simulated account streams into it, log in {log.name}")
            _show(url, server)
            if seconds is None:
                typer.echo("\nCtrl-C stops.")
            _sleep(server, seconds)
        except KeyboardInterrupt:
            typer.echo("\nstopping; what was acknowledged is committed")


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # As the server will bind it: connections that linger from a former run do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of 127.0.0.1 cannot be used: {error.strerror};"
                " stop what is listening there or give --port"
            ) from error


def _start(
    stack: ExitStack, arguments: list[str], environment: dict[str, str], output: int
) -> "subprocess.Popen[bytes]":
    # In a session of its own, so that Ctrl-C reaches this process alone and it stops the others
    # in order: the sender first, then the server.
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "app.cli", *arguments],
        env=environment,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    stack.callback(_stop, process)
    return process


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unavailable("the server did not start; its log says why")
        try:
            if httpx.get(url, timeout=1.0).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise Unavailable(f"{url} did not answer within {_START_SECONDS:.0f} s")


def _show(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Print URLs, each with the beginning of its real answer."""
    deadline = time.monotonic() + _FIRST_VALUES_SECONDS
    latency = "/api/v1/metrics/aws_dynamodb_endpoint_operation_latency"
    # Not every table has requests; one that has shows all there is to see.
    busy = _filled(url + latency, server, deadline).json()["series"][0]
    service, table = busy["service"], busy["endpoint"]
    of_table = f"service={service}&endpoint={table}"
    consumed = (
        f"namespace=AWS/DynamoDB&metric=ConsumedReadCapacityUnits&dimension=TableName:{table}"
    )
    paths = [
        "/api/v1/services",
        f"/api/v1/services/{quote(service, safe=':')}/endpoints",
        f"/api/v1/metrics/aws_dynamodb_consumed_read_capacity_units?service={service}&step=300",
        f"/api/v1/metrics/aws_dynamodb_endpoint_consumed_read_capacity_units?{of_table}",
        f"{latency}?{of_table}",
        "/api/v1/series?namespace=AWS/DynamoDB&metric=SuccessfulRequestLatency",
        f"/api/v1/statistics?{consumed}&period=300&statistic=Sum&statistic=SampleCount",
        "/api/v1/top/aws_dynamodb_endpoint_consumed_read_capacity_units?n=3",
        "/prometheus/api/v1/query?query=topk(3,aws_dynamodb_endpoint_consumed_read_capacity_units)",
        f"/api/v1/explain/aws_dynamodb_endpoint_consumed_read_capacity_units?{of_table}",
        "/api/v1/dynamodb/top?by=consumed_read_capacity&n=3",
        f"/api/v1/dynamodb/utilization?table={table}",
        "/api/v1/alarms",
        "/api/v1/metrics",
        "/api/v1/rules",
        "/readyz",
        "/metrics",
    ]
    for path in paths:
        answer = _filled(url + path, server, deadline)
        typer.echo(f"\n{url}{path}\n  {_beginning(answer)}")
    _show_incidents(url)
    typer.echo(f"\nAll routes: {url}/docs; for Grafana and promtool: {url}/prometheus")


def _show_incidents(url: str) -> None:
    """Print alarms that have fired on the history; with very few tables none may."""
    path = "/api/v1/alarms/incidents?state=open"
    incidents = httpx.get(url + path, timeout=30.0).json()["incidents"]
    typer.echo(f"\n{url}{path}\n  {len(incidents)} alarms have fired")
    for incident in incidents[:_INCIDENTS_SHOWN]:
        typer.echo(f"  {incident['severity']} {incident['rule']}: {incident['summary']}")


def _filled(url: str, server: "subprocess.Popen[bytes]", deadline: float) -> httpx.Response:
    """The answer as soon as its lists have something in them."""
    while time.monotonic() < deadline and server.poll() is None:
        answer = httpx.get(url, timeout=30.0)
        if not answer.headers["content-type"].startswith("application/json"):
            return answer
        content: dict[str, Any] = answer.json()
        lists = [value for value in content.values() if isinstance(value, list)]
        if answer.is_success and (any(lists) or not lists):
            return answer
        time.sleep(0.2)
    raise Unavailable(f"{url} has no values yet; see the simulator's log")


def _beginning(response: httpx.Response) -> str:
    text = response.text
    if response.headers["content-type"].startswith("application/json"):
        text = json.dumps(response.json())
    line = text.replace("\n", " ")
    return line if len(line) <= 160 else f"{line[:160]} … ({len(response.content)} bytes)"  # noqa: PLR2004


def _sleep(server: "subprocess.Popen[bytes]", seconds: float | None) -> None:
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unavailable("the server has stopped; its log says why")
        time.sleep(0.2)
