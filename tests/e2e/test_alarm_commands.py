"""The commands of alarms as processes of their own, in which nothing else has been imported."""

from pathlib import Path

import pytest

from tests.fixtures.receivers import Reply, receiver
from tests.fixtures.server import command_environment, hydrant

pytestmark = pytest.mark.e2e


def test_a_test_goes_through_the_channel(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("both know it", "utf-8")
    file = tmp_path / "channels.yaml"
    with receiver(lambda *_: Reply(202, b"thank you")) as there:
        entry = f"{{type: webhook, url: {there.url}, secret_file: secret}}"
        file.write_text(f"channels: {{ops: {entry}}}", "utf-8")
        environment = command_environment(alarm_channels=file)
        ended = hydrant("alarms", "send-test", "ops", directory=tmp_path, environment=environment)
    assert (ended.returncode, ended.stdout) == (0, "ops (webhook): delivered: 202 thank you\n")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("alarms check", "0 errors"),
        ("alarms replay --since 1h", "database"),
        ("dynamodb throttling", "database"),
    ],
)
def test_commands_begin_by_themselves(tmp_path: Path, command: str, said: str) -> None:
    ended = hydrant(*command.split(), directory=tmp_path)
    assert said in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
