"""Lines of the log, in both formats, of what senders may have written."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.logs import LONGEST_VALUE, configure_logs

EVIL = "\x1b[2J\x1b[31mred\x9b0m\x07\x0b\u2028\x85next"
SHOWN = r"\x1b[2J\x1b[31mred\x9b0m\x07\x0b\u2028\x85next"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    structlog.reset_defaults()


def written(capsys: pytest.CaptureFixture[str], *, as_json: bool, **values: str) -> str:
    configure_logs(level="info", as_json=as_json)
    structlog.get_logger("test").warning("delivery refused", **values)
    return capsys.readouterr().err


@pytest.mark.parametrize("with_line_end", [False, True])
def test_what_a_sender_writes_moves_no_cursor_and_begins_no_line(
    capsys: pytest.CaptureFixture[str], with_line_end: bool
) -> None:
    text = EVIL + "\r\n2026-11-22 [error] forged" * with_line_end
    line = written(capsys, as_json=False, request_id=text)
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert len(line.splitlines()) == 1
    assert SHOWN in line.replace("\\\\", "\\")


def test_json_says_it_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    line = written(capsys, as_json=True, request_id=EVIL)
    assert line.isascii()
    assert line[:-1].isprintable()
    assert json.loads(line)["request_id"] == EVIL


@pytest.mark.parametrize("as_json", [False, True])
def test_a_line_has_an_end(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    whole = written(capsys, as_json=as_json, request_id="x" * LONGEST_VALUE)
    assert "x" * LONGEST_VALUE in whole
    line = written(capsys, as_json=as_json, request_id="x" * 5_000_000)
    assert "x" * (LONGEST_VALUE + 1) not in line
    assert "5000000 characters" in line
    assert len(line) < LONGEST_VALUE + 500
