"""The files as such: accepted by NGINX, clean to gixy, limits that add up."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.firehose import MAX_BODY_BYTES
from app.simulator.delivery import TIMEOUT_SECONDS
from tests.fixtures.nginx import DEBIAN_MAIN, SHIPPED, NginxError, RunningNginx

OTLP = {"# include hydrant/otlp.conf": "include hydrant/otlp.conf"}
OTHER_READERS = {"include hydrant-site/readers.conf": "include compose/readers.conf"}


@pytest.mark.parametrize("main", [None, DEBIAN_MAIN], ids=["own", "debian"])
@pytest.mark.parametrize("changes", [{}, OTLP, OTHER_READERS], ids=["shipped", "otlp", "compose"])
def test_nginx_accepts_the_files_without_a_warning(
    tmp_path: Path, main: str | None, changes: dict[str, str]
) -> None:
    said = RunningNginx([12801, 12802], tmp_path, main=main, changes=changes).check()
    assert "test is successful" in said
    assert re.findall(r"\[(warn|error|emerg|alert|crit)\]", said) == []


@pytest.mark.parametrize("changes", [{}, OTLP], ids=["shipped", "otlp"])
def test_gixy_finds_nothing(tmp_path: Path, changes: dict[str, str]) -> None:
    RunningNginx([12801, 12802], tmp_path, changes=changes)
    gixy = Path(sys.executable).parent / "gixy"
    finished = subprocess.run(
        [gixy, "--format", "json", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert json.loads(finished.stdout) == []


def test_a_name_that_does_not_resolve_is_said_before_it_serves(tmp_path: Path) -> None:
    named = {"include hydrant-site/upstream.conf": "include compose/upstream.conf"}
    with pytest.raises(NginxError, match=r"host not found in upstream .hydrant-1:12801"):
        RunningNginx([12801], tmp_path, changes=named).check()


def value(file: str, pattern: str) -> int:
    """The number in the one place of a shipped file that fits."""
    (found,) = re.findall(pattern, (SHIPPED / "hydrant" / file).read_text(), re.MULTILINE)
    return int(found)


def test_nginx_refuses_no_body_that_hydrant_takes() -> None:
    assert value("limits.conf", r"^client_max_body_size (\d+)m;") << 20 > MAX_BODY_BYTES


def test_whatever_happens_there_is_an_answer_before_firehose_gives_up() -> None:
    tries_until = value(
        "firehose.conf", r"^    proxy_next_upstream_timeout (\d+)s;\n}\n\nlocation = /health"
    )
    connect = value("firehose.conf", r"^    proxy_connect_timeout (\d+)s;\n    proxy_send")
    read = value("firehose.conf", r"^    proxy_read_timeout (\d+)s;\n\n")
    # Twenty seconds are left for the body on its way to NGINX.
    assert tries_until + connect + read + 20 < TIMEOUT_SECONDS
