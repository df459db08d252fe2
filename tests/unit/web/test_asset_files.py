"""Files of pages: their URLs, their digest, and what is said where packages lack."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.web.asset_files import ASSETS, AssetFiles

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


def test_a_module_is_asked_for_with_all_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    files = {
        "a/one.js": 'import { two } from "../two.js";\nimport x from "../vendor/uplot/uPlot.js";\n',
        "a/late.js": "export const late = 1;\n",
    }
    two = 'import { one } from "./a/one.js";\nexport const two = () => import("./a/late.js");\n'
    assets = AssetFiles(directory_of_files(tmp_path, **files, **{"two.js": two}))
    assert set(assets.modules("a/one.js")) == {"a/one.js", "two.js", "vendor/uplot/uPlot.js"}
    with pytest.raises(KeyError):
        assets.modules("b.js")


def test_every_module_of_charts_is_asked_for_at_once() -> None:
    assets = AssetFiles()
    own = {f"charts/{path.name}" for path in (ASSETS / "charts").glob("*.js")}
    assert own | {"times.js", PACKAGES[0]} <= set(assets.modules("charts/charts.js"))
