"""``hydrant rules``: what the commands print and return."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import application
from app.errors import NotFound, RuleError

RULES = """metricPrefix: p
metricsRules:
  - name: m
    exp: EXP.service(['cloud_account_id'], Layer.AWS_DYNAMODB)
"""
CASES = """tests:
  - name: the sum
    points:
      - {account: 1, namespace: AWS/DynamoDB, metric: UserErrors, count: 2, sum: 2,
         time: 2026-01-31T12:00:00Z}
    values:
      - {metric: p_m, service: 1, value: 2}
"""
FAMILY = "amazonaws_com_AWS_DynamoDB_UserErrors_sum"


def hydrant(*arguments: object) -> Result:
    return CliRunner().invoke(application, ["rules", *map(str, arguments)])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(RULES.replace("EXP", FAMILY))
    (tmp_path / "a.test.yaml").write_text(CASES)
    return tmp_path


def test_check_says_what_was_checked(rules: Path) -> None:
    result = hydrant("check", rules)
    assert result.exit_code == 0
    assert result.output == "1 file, 1 rule, 1 metric: 0 errors, 0 warnings\n"


def test_check_fails_for_errors_and_shows_them_with_a_caret(rules: Path) -> None:
    (rules / "b.yaml").write_text(RULES.replace("EXP", "(m"))
    result = hydrant("check", rules / "a.yaml", rules / "b.yaml")
    assert result.exit_code == 1
    error, source, caret, summary = result.output.splitlines()
    assert error.startswith(f"error: {rules / 'b.yaml'}:4:")
    assert "(m.service" in source
    assert caret.strip() == "^"
    assert summary == "2 files, 1 rule, 1 metric: 1 error, 0 warnings"


def test_warnings_are_no_failure(rules: Path) -> None:
    (rules / "a.yaml").write_text(RULES.replace("EXP", FAMILY.replace("Errors", "Error")))
    result = hydrant("check", rules)
    assert result.exit_code == 0
    assert result.output.startswith(f"warning: {rules / 'a.yaml'}:4:10: AWS/DynamoDB has no metric")
    assert result.output.endswith("0 errors, 1 warning\n")


def test_the_rules_in_use_are_the_default(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRANT_RULES", str(rules))
    assert hydrant("check").output == "1 file, 1 rule, 1 metric: 0 errors, 0 warnings\n"
    assert hydrant("test").output.endswith("1 passed, 0 failed\n")


def test_tests_that_pass(rules: Path) -> None:
    result = hydrant("test", rules)
    assert result.exit_code == 0
    assert result.output == f"{rules / 'a.test.yaml'}: passed, 1 test\n1 passed, 0 failed\n"


def test_tests_that_fail_show_the_difference(rules: Path) -> None:
    path = rules / "a.test.yaml"
    path.write_text(CASES.replace("value: 2}", "value: 3}"))
    result = hydrant("test", rules / "a.yaml", rules)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{path}: FAILED, 1 of 1 test",
        f"  the sum ({path}:2)",
        "    p_m {service: 1} at 2026-01-31T12:00Z: expected 3.0 (line 7), got 2.0",
        "0 passed, 1 failed",
    ]


def test_a_test_file_that_cannot_be_read_does_not_hide_the_others(rules: Path) -> None:
    (rules / "0.test.yaml").write_text("tests: 1")
    result = hydrant("test", rules)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"error: {rules / '0.test.yaml'}:1:8: a list is expected",
        "    tests: 1",
        "           ^",
        f"{rules / 'a.test.yaml'}: passed, 1 test",
        "1 passed, 1 failed",
    ]


def test_what_does_not_exist_is_an_error_and_no_success(tmp_path: Path) -> None:
    assert isinstance(hydrant("test", tmp_path).exception, NotFound)
    assert isinstance(hydrant("check", tmp_path / "none").exception, RuleError)
    for command in ("check", "test"):
        error = hydrant(command, tmp_path / "none.yaml").exception
        assert isinstance(error, RuleError)
        assert str(error) == f"{tmp_path / 'none.yaml'} does not exist"
    (tmp_path / "a.yaml").write_text(RULES.replace("EXP", FAMILY))
    without = hydrant("test", tmp_path / "a.yaml").exception
    assert str(without) == f"{tmp_path / 'a.yaml'} has no tests: there is no a.test.yaml beside it"
