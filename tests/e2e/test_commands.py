"""The command line: what is wrong is said in one line, with status 1 and without a secret."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.e2e.deliveries import envelope, metric_lines
from tests.fixtures.server import (
    REPOSITORY,
    RunningServer,
    ServerStarter,
    command_environment,
    free_port,
    hydrant,
)

pytestmark = pytest.mark.e2e

SECRET = "hunter2"


def fault(directory: Path, *arguments: object, **settings: object) -> str:
    """What a command that cannot work says, in its one line."""
    given = {"access_keys": SECRET, "port": free_port(), "database_wait_seconds": 0, **settings}
    environment = command_environment(**{k: v for k, v in given.items() if v is not None})
    ended = hydrant(*arguments, directory=directory, environment=environment)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "Traceback" not in said
    assert SECRET not in said
    assert ended.stdout == ""
    assert ended.stderr.startswith("hydrant: "), said
    assert ended.stderr.count("\n") == 1, said
    return ended.stderr


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"access_keys": None}, "HYDRANT_ALLOW_ANONYMOUS"),
        ({"access_keys": None, "allow_anonymous": "false"}, "HYDRANT_ACCESS_KEYS"),
        ({"access_keys": " , "}, "HYDRANT_ALLOW_ANONYMOUS"),
        ({"access_keys": f'["{SECRET}"'}, "access_keys: "),
        ({"access_keys": f'["{SECRET}", ""]'}, "access_keys: "),
        ({"port": 99999}, "port: "),
        ({"log_level": "loud", "query_max_points": 0}, "query_max_points: "),
        ({"rules": "/nowhere"}, "/nowhere"),
        ({"database": f"mysql://u:{SECRET}@h/d"}, "mysql is not supported"),
        ({"database": f"no url: {SECRET}"}, "not a URL"),
        ({"database": "sqlite://"}, "needs a file"),
        ({"database": f"postgresql://u:{SECRET}@127.0.0.1:1/d"}, "not available"),
        ({"database": "sqlite:////tmp"}, "not available"),
        ({"migrate_on_start": "false"}, "run hydrant migrate"),
    ],
)
def test_serve_says_what_is_wrong_in_one_line(
    tmp_path: Path, settings: dict[str, object], expected: str
) -> None:
    assert expected in fault(tmp_path, "serve", **settings)


@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize(
    "database",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:port/d",
        "sqlite:////proc/nowhere/hydrant.db",
        "sqlite:///not-a-database",
    ],
)
def test_a_database_that_cannot_be_opened(tmp_path: Path, command: str, database: str) -> None:
    (tmp_path / "not-a-database").write_text("something else entirely, " * 100)
    assert "database" in fault(tmp_path, command, database=database)


def test_a_settings_file_is_checked_like_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "hydrant.toml"
    file.write_text(f'access_keyz = ["{SECRET}"]')
    assert "access_keyz" in fault(tmp_path, "serve")
    file.write_text(f'access_keys = ["{SECRET}"')
    assert "cannot be read" in fault(tmp_path, "serve")
    assert "does not exist" in fault(tmp_path, "serve", "--settings", "other.toml")
    file.write_text(f'access_keys = ["{SECRET}"]\nmigrate_on_start = false')
    assert "run hydrant migrate" in fault(tmp_path, "serve", access_keys=None)


def test_a_broken_rule_is_pointed_at(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    text = "metricPrefix: x\nmetricsRules:\n  - name: broken\n    exp: foo.sum(['a'\n"
    (rules / "broken.yaml").write_text(text)
    environment = command_environment(access_keys=SECRET, rules=rules)
    arguments = ("serve", "--port", free_port())
    ended = hydrant(*arguments, directory=tmp_path, environment=environment)
    assert ended.returncode == 1
    first, source, caret = ended.stderr.splitlines()
    assert first.startswith("hydrant: broken.yaml:4:")
    assert source.strip() == "exp: foo.sum(['a'"
    assert caret.strip() == "^"


def test_help_names_every_command(tmp_path: Path) -> None:
    ended = hydrant("--help", directory=tmp_path)
    assert ended.returncode == 0
    for command in ("serve", "migrate", "demo", "simulate"):
        assert command in ended.stdout
        assert hydrant(command, "--help", directory=tmp_path).returncode == 0


def test_migrate_prepares_a_database_for_a_server_that_does_not(
    start_server: ServerStarter, database_url: str, tmp_path: Path
) -> None:
    url = sa.make_url(database_url).set(password=SECRET).render_as_string(hide_password=False)
    environment = command_environment(database=url if "postgresql" in url else database_url)
    for _ in range(2):
        ended = hydrant("migrate", directory=tmp_path, environment=environment)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.count("\n") == 1
        assert SECRET not in ended.stdout + ended.stderr
    server = start_server(database_url, migrate_on_start="false")
    assert server.deliver(envelope([metric_lines("ConsumedReadCapacityUnits")])).status_code == 200
    assert len(server.contents()["v_points"]) == 1


def test_a_server_without_keys_takes_deliveries_and_warns(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url, access_keys="", allow_anonymous="true")
    body = envelope([metric_lines("ConsumedReadCapacityUnits")])
    assert server.deliver(body, x_amz_firehose_access_key=None).status_code == 200
    assert server.deliver(body, x_amz_firehose_access_key="any").status_code == 200
    (warning,) = [line for line in server.log.splitlines() if "[warning" in line]
    assert "no access key" in warning


def test_logs_in_json_are_json_and_hold_no_secret(
    start_server: ServerStarter, postgresql_url: str
) -> None:
    url = sa.make_url(postgresql_url).set(password=SECRET)
    server = start_server(
        url.render_as_string(hide_password=False), log_format="json", log_level="debug"
    )
    server.deliver(b"x")
    server.stop()
    for line in server.log.splitlines():
        assert line.startswith("{")
    assert SECRET not in server.log


def test_a_server_without_any_rule_still_stores(
    start_server: ServerStarter, sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "no-rules").mkdir()
    server = start_server(sqlite_url, rules=tmp_path / "no-rules")
    assert server.deliver(envelope([metric_lines("ConsumedReadCapacityUnits")])).status_code == 200
    assert len(server.contents()["v_points"]) == 1
    assert server.get("/api/v1/metrics") == {"metrics": []}


def test_serve_on_a_port_in_use_ends_with_the_reason(
    start_server: ServerStarter, sqlite_url: str, tmp_path: Path
) -> None:
    server = start_server(sqlite_url)
    environment = command_environment(access_keys=SECRET, port=server.port)
    ended = hydrant("serve", directory=tmp_path, environment=environment)
    assert ended.returncode == 1
    assert f"127.0.0.1:{server.port} cannot be used" in ended.stderr
    assert ended.stderr.count("\n") == 1


# The demo


def start_demo(directory: Path, port: int, *arguments: object) -> "subprocess.Popen[str]":
    # The fourth table is a hot one.
    options = ["--directory", directory / "demo", "--port", port, "--tables", 4, *arguments]
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "demo", *map(str, options)],
        cwd=directory,
        env={**command_environment(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_demo_answers_at_the_urls_it_prints(tmp_path: Path) -> None:
    port = free_port()
    for number in (signal.SIGINT, signal.SIGTERM):
        with start_demo(tmp_path, port) as demo:
            try:
                check_printed(demo, port)
            finally:
                demo.send_signal(number)
                output, errors = demo.communicate(timeout=30)
            assert demo.returncode == 0, output + errors
            assert "Traceback" not in output + errors
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)


def check_printed(demo: "subprocess.Popen[str]", port: int) -> None:
    assert demo.stdout is not None
    printed = ""
    while "Ctrl-C stops" not in printed:
        line = demo.stdout.readline()
        assert line, printed
        printed += line
    urls = re.findall(rf"^http://127\.0\.0\.1:{port}\S+", printed, re.MULTILINE)
    assert len(urls) > 8
    for url in urls:
        check_answer(url)
    assert re.search(r"^  (warning|critical) DynamoDB\w+: \w+", printed, re.MULTILINE)
    assert httpx.get(f"http://127.0.0.1:{port}/docs", trust_env=False).status_code == 200


def check_answer(url: str) -> None:
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200, url
    if answer.headers["content-type"] == "application/json":
        content = answer.json()
        lists = [value for value in content.values() if isinstance(value, list)]
        assert any(lists) or not lists, url
        assert content.get("values") != [], url
    else:
        assert "hydrant_points_total" in answer.text


def test_the_demo_ends_by_itself_and_starts_again(tmp_path: Path) -> None:
    for _ in range(2):
        with start_demo(tmp_path, free_port(), "--seconds", 0.1) as demo:
            output, errors = demo.communicate(timeout=60)
        assert demo.returncode == 0, output + errors
        assert "Traceback" not in output + errors


@pytest.mark.parametrize("answers", [True, False])
def test_the_demo_on_a_port_in_use_says_so_in_one_line(
    tmp_path: Path, sqlite_url: str, answers: bool
) -> None:
    server = RunningServer(tmp_path, sqlite_url)
    started = time.monotonic()
    with socket.socket() as listener:
        if answers:
            server.start()
        else:
            listener.bind(("127.0.0.1", server.port))
            listener.listen()
        try:
            with start_demo(tmp_path, server.port, "--seconds", 1) as demo:
                output, errors = demo.communicate(timeout=60)
        finally:
            server.close()
    assert demo.returncode == 1, output + errors
    assert output == ""
    assert errors.startswith("hydrant: ")
    assert errors.count("\n") == 1, errors
    assert str(server.port) in errors
    assert time.monotonic() - started < 15
