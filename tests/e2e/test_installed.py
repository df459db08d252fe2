"""Hydrant installed as the Dockerfile does it: as a wheel, on files that it cannot write.

Third-party packages are those of the development environment; the rest is what the image has.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app import __version__
from tests.e2e.deliveries import envelope, metric_lines
from tests.fixtures.server import (
    ACCESS_KEY,
    DELIVERY_PATH,
    REPOSITORY,
    START_SECONDS,
    STOP_SECONDS,
    command_environment,
    free_port,
)

pytestmark = pytest.mark.e2e

PACKAGED = ("app", "migrations", "mal_rules", "alarm_rules")
# Root without any capability is stopped by a file's mode as everybody else is. To be another user
# would not do where the interpreter lies in root's home directory.
WITHOUT_PRIVILEGES = (
    ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    if os.geteuid() == 0
    else []
)


@dataclass(frozen=True)
class Installation:
    """An environment with Hydrant in it, a wheel, and a directory for its user."""

    program: Path
    wheel: Path
    home: Path

    def popen(self, *arguments: str, **settings: object) -> "subprocess.Popen[str]":
        """Start a command that may write nothing but the home directory."""
        return subprocess.Popen(
            [*WITHOUT_PRIVILEGES, self.program.parent / arguments[0], *arguments[1:]],
            cwd=self.home,
            env={**command_environment(**settings), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **settings: object) -> str:
        """What a command printed that ended well."""
        process = self.popen(*arguments, **settings)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0, printed
        return printed


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    # Not below pytest's directory, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="hydrant-installed-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield install(directory)


def install(directory: Path) -> Installation:
    context = directory / "context"
    for source in ("pyproject.toml", "README.md", *PACKAGED):
        take(REPOSITORY / source, context / source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*pip, "wheel", *offline, "--wheel-dir", directory, context],
        check=True,
        capture_output=True,
        timeout=100,
    )
    shutil.rmtree(context)
    (wheel,) = directory.glob("*.whl")

    environment = directory / "environment"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=60
    )
    python = environment / "bin" / "python"
    # The .pth files in a directory that a .pth file names are ignored: no editable Hydrant.
    packages = next((environment / "lib").glob("python3*/site-packages"))
    third_party = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "third_party.pth").write_text("\n".join(third_party))
    subprocess.run(
        [*pip, "--python", python, "install", *offline, wheel],
        check=True,
        capture_output=True,
        timeout=100,
    )
    home = directory / "home"
    home.mkdir()
    for path in [packages, *packages.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return Installation(environment / "bin" / "hydrant", wheel, home)


def take(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    else:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def test_the_wheel_has_every_file_and_no_other(installation: Installation) -> None:
    names = zipfile.ZipFile(installation.wheel).namelist()
    packaged = {name for name in names if ".dist-info/" not in name}
    source = {
        str(path.relative_to(REPOSITORY))
        for directory in PACKAGED
        for path in (REPOSITORY / directory).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        # What the native scanner is made of, and what has been made of that here.
        and path.suffix not in (".pyx", ".pxd", ".h", ".so")
    }
    assert packaged == source


def test_it_is_the_installed_one_that_runs(installation: Installation) -> None:
    where = "import app; print(app.__file__)"
    place = Path(installation.run("python", "-c", where).strip())
    assert place.is_relative_to(installation.program.parents[1])
    assert installation.run("hydrant", "--version") == f"hydrant {__version__}\n"


def test_it_cannot_change_itself(installation: Installation) -> None:
    process = installation.popen("python", "-c", "import app; open(app.__file__, 'a')")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "PermissionError" in printed


def test_the_shipped_rules_are_with_it(installation: Installation) -> None:
    checked = installation.run("hydrant", "rules", "check")
    assert re.search(r", 2\d\d metrics: 0 errors, 0 warnings$", checked)


def test_it_migrates_serves_stores_and_stops(installation: Installation) -> None:
    port = free_port()
    settings = {"port": port, "access_keys": ACCESS_KEY, "migrate_on_start": "false"}
    assert "release's schema" in installation.run("hydrant", "migrate")
    assert (installation.home / "hydrant.db").is_file()
    server = installation.popen("hydrant", "serve", **settings)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            wait_until_ready(client, server)
            assert installation.run("hydrant", "health", **settings) == "ready\n"
            answer = client.post(
                DELIVERY_PATH,
                content=envelope([metric_lines("ConsumedReadCapacityUnits")]),
                headers={
                    "X-Amz-Firehose-Access-Key": ACCESS_KEY,
                    "X-Amz-Firehose-Request-Id": "id",
                },
            )
            assert answer.status_code == httpx.codes.OK, answer.text
            loaded = re.findall(r'(?:src|href)="(/assets/[^"]+)"', client.get("/").text)
            assert any(path.endswith("/vendor/htmx/htmx.js") for path in loaded)
            assert {client.get(path).status_code for path in loaded} == {httpx.codes.OK}
    finally:
        server.send_signal(signal.SIGTERM)
        log, _ = server.communicate(timeout=STOP_SECONDS)
    assert server.returncode == 0, log
    assert "Traceback" not in log


def wait_until_ready(client: httpx.Client, server: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, server.stdout.read() if server.stdout else ""
        try:
            if client.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server is not ready")
