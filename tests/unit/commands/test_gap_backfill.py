"""``hydrant backfill``: what is refused before anything is asked for."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import application
from app.commands.gap_backfill import _account
from app.errors import InvalidParameter, UserError


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--dimension", "TableName"], "--dimension: 'TableName' is not NAME=VALUE"),
        (["--statistic", "Average"], "--statistic: 'Average' is none"),
        (["--until", "1"], "--until: the end must be after --since"),
        (["--since", "yesterday"], "--since: "),
        (["--profile", "missing"], "missing"),
    ],
)
def test_wrong_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    ended = CliRunner().invoke(application, ["backfill", "--since", "1795000000", *more])
    assert isinstance(ended.exception, UserError)
    assert expected in str(ended.exception)


def test_the_account_is_that_of_the_credentials() -> None:
    assert _account(None, "1", linked=False) == "1"
    assert _account("1", "1", linked=False) == "1"
    with pytest.raises(InvalidParameter, match="--linked if 1 is its monitoring account"):
        _account("2", "1", linked=False)


def test_another_account_is_seen_from_a_monitoring_account() -> None:
    assert _account("2", "1", linked=True) == "2"
    with pytest.raises(InvalidParameter, match="--account: --linked needs"):
        _account(None, "1", linked=True)
