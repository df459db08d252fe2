"""``hydrant dashboards``: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import application
from app.dashboards.schema import json_schema
from app.errors import DashboardError
from tests.unit.dashboards.files import SOUND


def run(*arguments: object) -> tuple[int, list[str]]:
    result = CliRunner().invoke(application, ["dashboards", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output.splitlines()


def test_shipped_dashboards_have_no_faults() -> None:
    status, lines = run("check")
    assert status == 0
    assert len(lines) == 1
    assert lines[0].endswith(": 0 errors, 0 warnings")


def test_every_fault_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND.replace("title: Load", "titel: Load"))
    (tmp_path / "b.yaml").write_text(SOUND.replace("requests{", "aws_s3_all_request{"))
    (tmp_path / "c.yaml").write_text(SOUND)
    status, lines = run("check", tmp_path)
    assert status == 1
    assert lines == [
        (
            f"error: {tmp_path}/a.yaml:12:5: unknown key 'titel'; similar: title;"
            " known are title, description, widgets"
        ),
        "      - titel: Load",
        "        ^",
        f"error: {tmp_path}/c.yaml: the uid shop is also that of {tmp_path}/b.yaml",
        (
            f"warning: {tmp_path}/b.yaml: no rule defines aws_s3_all_request, nor does"
            " CloudWatch have it; similar: aws_s3_all_requests"
        ),
        "3 files, 1 dashboard, 1 widget: 2 errors, 1 warning",
    ]


def test_files_are_checked_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND)
    (tmp_path / "b.yaml").write_text("[]")
    status, lines = run("check", tmp_path / "a.yaml")
    assert (status, lines) == (0, ["1 file, 1 dashboard, 1 widget: 0 errors, 0 warnings"])
    with pytest.raises(DashboardError, match=r"nothing\.yaml does not exist"):
        run("check", tmp_path / "nothing.yaml")


def test_without_names_ones_own_are_checked_beside_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRANT_DASHBOARDS", str(tmp_path))
    (tmp_path / "mine.yaml").write_text(SOUND.replace("uid: shop", "uid: hydrant-s3"))
    status, lines = run("check")
    assert status == 0
    (tmp_path / "mine.yaml").write_text("uid: [")
    status, lines = run("check")
    assert status == 1
    assert lines[0].startswith(f"error: {tmp_path}/mine.yaml:1:")
    assert "not valid YAML" in lines[0]


def test_the_schema_is_printed() -> None:
    status, lines = run("schema")
    assert status == 0
    assert json.loads("\n".join(lines)) == json_schema()
