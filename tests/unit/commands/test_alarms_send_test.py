"""``hydrant alarms send-test``: through the real channel, with what came back."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import application
from app.errors import ConfigurationError, NotFound
from tests.fixtures.receivers import Receiver, Reply, is_signed, receiver


def send_test(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["alarms", "send-test", *arguments])


def channels(directory: Path, there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "secret").write_text("both know it", "utf-8")
    file = directory / "channels.yaml"
    entry = f"{{type: webhook, url: {there.url}, secret_file: secret}}"
    file.write_text(f"channels: {{ops: {entry}}}", "utf-8")
    monkeypatch.setenv("HYDRANT_ALARM_CHANNELS", str(file))


def test_a_test_says_what_it_is_and_prints_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(lambda *_: Reply(202, b"thank you")) as there:
        channels(tmp_path, there, monkeypatch)
        result = send_test("ops")
    assert (result.exit_code, result.output) == (0, "ops (webhook): delivered: 202 thank you\n")
    (request,) = there.received
    assert is_signed(request, "both know it")
    assert request.headers["Hydrant-Notification-Kind"] == "test"
    assert "no alarm fires" in request.json["alerts"][0]["annotations"]["summary"]
    assert request.json["commonLabels"]["alertname"] == "HydrantTest"


def test_a_test_that_does_not_arrive_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(lambda *_: Reply(404, b"what?")) as there:
        channels(tmp_path, there, monkeypatch)
        result = send_test("ops")
    assert result.exit_code == 1
    assert result.stderr == "ops (webhook): not delivered: answered 404 what?\n"


def test_a_channel_that_does_not_exist_is_told_with_those_that_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as there:
        channels(tmp_path, there, monkeypatch)
    result = send_test("opps")
    assert isinstance(result.exception, NotFound)
    assert "similar: ops; there are ops" in result.exception.message


def test_without_a_file_of_channels_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYDRANT_ALARM_CHANNELS", raising=False)
    result = send_test("ops")
    assert isinstance(result.exception, ConfigurationError)
    assert "HYDRANT_ALARM_CHANNELS" in result.exception.message
