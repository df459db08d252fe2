"""Files of pages: their URLs, their digest, and what is said where packages lack."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.web.asset_files import AssetFiles

PACKAGES = ("vendor/uplot/uPlot.js", "vendor/htmx/htmx.js")


def directory_of_files(root: Path, **contents: str) -> Path:
    for name in PACKAGES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("export default 1;")
    for name, content in contents.items():
        (root / name).write_text(content)
    return root


def test_one_changed_file_changes_the_urls_of_all(tmp_path: Path) -> None:
    before = AssetFiles(directory_of_files(tmp_path / "a", style="a { color: red }"))
    after = AssetFiles(directory_of_files(tmp_path / "b", style="a { color: blue }"))
    assert before.url(PACKAGES[0]) != after.url(PACKAGES[0])
    assert before.digest == AssetFiles(directory_of_files(tmp_path / "a")).digest


def test_a_template_cannot_name_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        AssetFiles(directory_of_files(tmp_path)).url("no.css")


def test_packages_that_were_not_brought_are_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make setup"):
        AssetFiles(tmp_path)
