"""``hydrant alarms check``: what it prints and returns."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import application
from app.errors import AlarmRuleError

RULE = """alarms:
  - name: Throttled
    metric: {namespace: AWS/DynamoDB, name: ReadThrottleEvents, statistic: Sum}
    for_each: [TableName]
    comparison: ">="
    threshold: 1
"""
SOURCE = RULE[RULE.index("    metric") : RULE.index("    comp")]


def check(*arguments: object) -> Result:
    return CliRunner().invoke(application, ["alarms", "check", *map(str, arguments)])


def test_what_was_checked(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    (tmp_path / "a.test.yaml").write_text("tests: []")
    result = check(tmp_path)
    assert result.exit_code == 0
    assert result.output == "1 file, 1 alarm: 0 errors, 0 warnings\n"


def test_errors_of_all_files_with_a_caret(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    (tmp_path / "b.yaml").write_text(RULE.replace("threshold: 1", "threshold: one"))
    result = check(tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert result.exit_code == 1
    error, source, caret, summary = result.output.splitlines()
    assert error == f"error: {tmp_path / 'b.yaml'}:6:16: a number is expected"
    assert source.endswith("threshold: one")
    assert caret.index("^") == source.index("one")
    assert summary == "2 files, 1 alarm: 1 error, 0 warnings"


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("ReadThrottleEvents", "ReadThrottledEvents", "no metric ReadThrottledEvents of AWS/Dyn"),
        ("AWS/DynamoDB", "AWS/Dynamodb", "no namespace AWS/Dynamodb; similar: AWS/DynamoDB"),
        ("statistic: Sum}", "statistic: p99}\n    period: 5m", "p99 of several minutes"),
        ("[TableName]", "[TableName]\n    include: {TableName: ' x'}", "has spaces around it"),
        (SOURCE, "    expression: (x > 5)\n", "ends in a comparison"),
    ],
)
def test_what_is_probably_not_meant(tmp_path: Path, old: str, new: str, warning: str) -> None:
    (tmp_path / "a.yaml").write_text(RULE.replace(old, new))
    result = check(tmp_path)
    assert result.exit_code == 0, result.output
    first, summary = result.output.splitlines()
    assert first.startswith(f"warning: {tmp_path / 'a.yaml'}:2: Throttled: ")
    assert warning in first
    assert summary == "1 file, 1 alarm: 0 errors, 1 warning"


def test_a_comparison_that_gives_0_and_1_is_meant(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE.replace(SOURCE, "    expression: (x > bool 5)\n"))
    assert check(tmp_path).output == "1 file, 1 alarm: 0 errors, 0 warnings\n"


def test_the_alarm_rules_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    monkeypatch.setenv("HYDRANT_ALARM_RULES", str(tmp_path))
    assert check().output == "1 file, 1 alarm: 0 errors, 0 warnings\n"


def test_the_file_of_channels_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = tmp_path / "channels" / "channels.yml"
    channels.parent.mkdir()
    channels.write_text("channels:\n  ops: {type: webhook, url: 'https://hooks.example/x'}\n")
    monkeypatch.setenv("HYDRANT_ALARM_CHANNELS", str(channels))
    rule = tmp_path / "a.yaml"
    rule.write_text(RULE + "    channels: [ops, oops]\n")
    result = check(rule)
    assert result.exit_code == 0, result.output
    warning, summary = result.output.splitlines()
    assert warning.endswith("the file of channels has no channel 'oops'; similar: ops")
    assert summary == "1 file, 1 alarm: 0 errors, 1 warning"
    channels.write_text("channels:\n  ops: {type: webhook, ulr: 'https://hooks.example/x'}\n")
    result = check(rule)
    assert result.exit_code == 1
    assert f"error: {channels}:2:" in result.output


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    result = check(tmp_path / "none.yaml")
    assert isinstance(result.exception, AlarmRuleError)
    assert "none.yaml does not exist" in str(result.exception)
