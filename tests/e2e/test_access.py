"""Access on a real server: keys, tokens and secret files, and that no secret comes out anywhere."""

import base64
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM

import httpx
import pytest
import sqlalchemy as sa

from tests.e2e.deliveries import envelope, metric_lines
from tests.fixtures.server import RunningServer, command_environment, free_port, hydrant

pytestmark = pytest.mark.e2e

# Every secret has this in it, and nothing else has.
CANARY = "canary"
KEY = f"{CANARY}-key-4f1c09a7e3b2"
BOUND = f"{CANARY}-bound-5d684f1c09"
TOKEN = f"{CANARY}-token-a7e3b25d68"
NEW_KEY = f"{CANARY}-new-key-09a7e3b2"
NEW_TOKEN = f"{CANARY}-new-token-c09a7e"
PASSWORD = f"{CANARY}-password"
WRONG = f"{CANARY}-wrong"
LATE_SECONDS = 30.0


def write_secrets(directory: Path, key: str, token: str) -> None:
    keys = [{"key": BOUND, "name": "team-b", "accounts": ["444455556666"]}, key]
    for name, content in (("access_keys", json.dumps(keys)), ("read_tokens", token)):
        new = directory / f"..{name}"
        new.write_text(f"{content}\n")
        new.chmod(0o600)
        new.rename(directory / f"hydrant_{name}")


def every_row(server: RunningServer) -> str:
    """All that the database holds."""
    with server._engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
    return "\n".join(repr(row) for table in tables for row in server.rows(f"SELECT * FROM {table}"))


def eventually(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LATE_SECONDS
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def attempts(server: RunningServer) -> list[httpx.Response]:
    """Whatever somebody may send that holds a secret, right or wrong."""
    client = server.client
    body = envelope([metric_lines("Points")])
    answers = [
        server.deliver(body, x_amz_firehose_access_key=key) for key in (KEY, BOUND, WRONG, None)
    ]
    answers += [
        server.deliver(b"not json", x_amz_firehose_access_key=KEY),
        server.deliver(body, x_amz_firehose_access_key=KEY, content_encoding="br"),
        client.post(f"/aws/firehose/other?key={KEY}", headers={"x-amz-firehose-access-key": KEY}),
    ]
    passwords = (f"u:{WRONG}", f"{TOKEN}:", f"u:{TOKEN}")
    authorizations = [
        f"Bearer {TOKEN}",
        f"Bearer {KEY}",
        f"Bearer {WRONG}",
        f"Token {TOKEN}",
        f"Basic {TOKEN}",
        *(f"Basic {base64.b64encode(text.encode()).decode()}" for text in passwords),
    ]
    for value in authorizations:
        headers = {"authorization": value}
        answers.append(client.post("/v1/metrics", content=b"{}", headers=headers))
        headers["content-type"] = "application/json"
        answers.append(client.post("/v1/metrics", content=b"x", headers=headers))
        for path in ("/api/v1/services", "/openapi.json", "/docs", "/metrics", "/api/v1/rules"):
            answers.append(client.get(path, headers=headers))
    answers += [
        client.get("/api/v1/services", params={"token": TOKEN}),
        client.get("/api/v1/quarantine", params={"data": "true"}, auth=("u", TOKEN)),
        client.get("/healthz", headers={"authorization": f"Bearer {TOKEN}"}),
    ]
    for head in (f"GET / HTTP/9\r\nAuthorization: Bearer {TOKEN}", f"{TOKEN} / HTTP/1.1", TOKEN):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"{head}\r\n\r\n".encode())
            connection.settimeout(10)
            assert CANARY.encode() not in connection.recv(65_536)
    return answers


def test_no_secret_comes_out_anywhere(tmp_path: Path, database_url: str) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    write_secrets(secrets, KEY, TOKEN)
    postgresql = database_url.startswith("postgresql")
    url = sa.make_url(database_url).set(password=PASSWORD) if postgresql else database_url
    server = RunningServer(
        tmp_path,
        url.render_as_string(hide_password=False) if isinstance(url, sa.URL) else url,
        access_keys=None,
        secrets_directory=secrets,
        log_level="debug",
        log_format="json" if postgresql else "console",
    )
    try:
        server.start()
        answers = attempts(server)
        statuses = [answer.status_code for answer in answers]
        assert statuses[:7] == [200, 200, 401, 401, 400, 400, 404]
        reads = {
            status
            for answer, status in zip(answers, statuses, strict=True)
            if answer.request.method == "GET" and answer.request.url.path != "/healthz"
        }
        assert reads == {200, 401}
        assert server.rows("SELECT reason, points FROM quarantine") == [("foreign_account", 1)]
        stored = every_row(server)
        assert "Points" in stored
        process = Path(f"/proc/{server.pid}")
        arguments = process.joinpath("cmdline").read_text()

        # Without a restart: the new ones open, the old ones do not any more.
        write_secrets(secrets, NEW_KEY, NEW_TOKEN)
        body = envelope([metric_lines("Points")])
        eventually(
            lambda: server.deliver(body, x_amz_firehose_access_key=NEW_KEY).status_code == 200
        )
        assert server.deliver(body, x_amz_firehose_access_key=KEY).status_code == 401
        services = [
            server.client.get("/api/v1/services", headers={"authorization": f"Bearer {token}"})
            for token in (NEW_TOKEN, TOKEN)
        ]
        assert [answer.status_code for answer in services] == [200, 401]
        (secrets / "hydrant_access_keys").write_text(f'["{WRONG}"')
        eventually(lambda: "stay as they are" in server.log)

        # A fault of the database's, with everything that its stack trace shows.
        with server._engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE delivery RENAME COLUMN records TO mine"))
        answers.append(server.deliver(body, "new", x_amz_firehose_access_key=NEW_KEY))
        assert answers[-1].status_code == 500
        assert "Traceback" in server.log
        server.signal(SIGTERM)
        assert server.wait() == 0
    finally:
        server._process = None
        server.close()
    assert "not bound to" in server.log
    replies = "".join(f"{answer.headers}{answer.text}" for answer in answers)
    assert "server" not in {name for answer in answers for name in answer.headers}
    for place in (server.log, stored, arguments, replies):
        assert CANARY not in place


def test_a_server_on_a_network_asks_for_read_tokens(tmp_path: Path) -> None:
    environment = command_environment(access_keys=KEY, host="0.0.0.0", port=free_port())
    ended = hydrant("serve", directory=tmp_path, environment=environment)
    assert ended.returncode == 1
    assert ended.stderr.startswith("hydrant: 0.0.0.0 can be reached from other machines")
    assert "HYDRANT_READ_TOKENS" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "hydrant.db").exists()
