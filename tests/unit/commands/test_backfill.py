"""``hydrant rules backfill``: what it says, and how it ends."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import application
from app.errors import ConfigurationError, InvalidParameter, NotFound, StorageUnavailable
from app.pipeline import Backfill, BackfilledMinute
from app.rules import RuleEngine, RuleFault
from app.simulator import Format, Point, Series, encode_records
from tests.fixtures.house import NOW_MS, house

MINUTE_MS = NOW_MS // 60_000 * 60_000
SINCE = str(MINUTE_MS - 120_000)
RULES = """
metricPrefix: t
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
  - {name: sum, exp: amazonaws_com_AWS_DynamoDB_UserErrors_sum}
  - {name: count, exp: amazonaws_com_AWS_DynamoDB_UserErrors_count}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A database of three minutes, and rules that it has never seen."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "t.yaml").write_text(RULES)
    series = Series("1", "r", "AWS/DynamoDB", "UserErrors", (("TableName", "a"),), "Count")
    points = [Point(series, MINUTE_MS - n * 60_000, 2, 5.0, 0.0, 5.0) for n in range(3)]
    with house(f"sqlite:///{tmp_path / 'h.db'}", []) as inside:
        inside.post(encode_records(points, Format.JSON))
        inside.evaluator.evaluate_dirty()
    return tmp_path


def backfill(directory: Path, *arguments: str, database: str = "h.db") -> Result:
    given = ["--database", f"sqlite:///{directory / database}", "--rules", str(directory / "rules")]
    return CliRunner().invoke(application, ["rules", "backfill", *arguments, *given])


def test_it_says_how_much_it_has_done(directory: Path) -> None:
    done = backfill(directory, "t_sum", "--since", SINCE)
    assert done.exit_code == 0
    assert done.stdout == "evaluated 3 minutes: 3 values, 3 rows written or deleted\n"
    done = backfill(directory, "t_sum", "t_count", "--since", SINCE, "--until", str(MINUTE_MS))
    assert done.stdout == "evaluated 2 minutes: 4 values, 2 rows written or deleted\n"
    done = backfill(directory, "--all", "--since", "1970-01-01T00:00:00Z")
    assert done.stdout == "evaluated 3 minutes: 6 values, 1 row written or deleted\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("t_sun", "--since", SINCE), "no rule defines the metric t_sun; similar: t_sum"),
        (("t_sum", "--since", str(MINUTE_MS + 60_000)), "there are no points"),
        (("t_sum", "--since", "yesterday"), "--since: 'yesterday' is not a time"),
        (("t_sum", "--since", SINCE, "--until", "later"), "--until: 'later' is not a time"),
        (("t_sum", "--since", SINCE, "--until", SINCE), "--until: the end must be after"),
        (("--since", SINCE), "NAME: name the metrics"),
        (("t_sum", "--all", "--since", SINCE), "NAME: name the metrics"),
    ],
)
def test_what_is_wrong_is_said(directory: Path, arguments: tuple[str, ...], expected: str) -> None:
    error = backfill(directory, *arguments).exception
    assert isinstance(error, NotFound | InvalidParameter)
    assert expected in str(error)


def test_a_database_that_does_not_exist_is_not_made(directory: Path) -> None:
    error = backfill(directory, "t_sum", "--since", SINCE, database="none/none.db").exception
    assert isinstance(error, ConfigurationError)
    assert f"there is no database {directory / 'none' / 'none.db'}" in str(error)
    assert not (directory / "none").exists()


def test_a_database_without_this_release_s_schema_is_refused(directory: Path) -> None:
    (directory / "other.db").touch()
    error = backfill(directory, "t_sum", "--since", SINCE, database="other.db").exception
    assert isinstance(error, StorageUnavailable)
    assert "run hydrant migrate" in str(error)


def test_interrupted_it_says_where_to_go_on(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = Backfill.evaluate

    def interrupted(self: Backfill, minute: int) -> BackfilledMinute:
        if minute * 60_000 == MINUTE_MS:
            raise KeyboardInterrupt
        return evaluate(self, minute)

    with monkeypatch.context() as patch:
        patch.setattr(Backfill, "evaluate", interrupted)
        done = backfill(directory, "t_sum", "--since", SINCE)
    assert done.exit_code == 130
    said, _, again = done.stderr.splitlines()[-1].rpartition(" ")
    assert said.endswith("2 of 3 minutes are done; to go on, run it again with --since")
    done = backfill(directory, "t_sum", "--since", again)
    assert done.stdout == "evaluated 1 minute: 1 value, 1 row written or deleted\n"


def test_a_rule_that_fails_ends_in_failure(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: RuleEngine, *_: object) -> tuple[list[object], list[RuleFault]]:
        return [], [RuleFault(self.definitions["t_sum"], ZeroDivisionError("by zero"))]

    monkeypatch.setattr(RuleEngine, "evaluate", failing)
    done = backfill(directory, "t_sum", "--since", SINCE)
    assert done.exit_code == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("rules failed 3 times, first t.yaml:5: t_sum at 20")
    assert said.endswith(": by zero")
