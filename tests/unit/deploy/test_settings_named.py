"""Every setting that a file of the deployment names is one that the code has."""

import re
from pathlib import Path

import pytest

from app.settings import SIMULATOR_KEY_VARIABLE, Settings
from tests.unit.deploy.validators import DEPLOY, REPOSITORY

FILES = sorted(
    path
    for path in [
        *DEPLOY.rglob("*"),
        REPOSITORY / "Dockerfile",
        REPOSITORY / "docker-compose.yml",
        REPOSITORY / "docs" / "deployment.md",
        REPOSITORY / "docs" / "aws-setup.md",
    ]
    if path.is_file() and path.suffix not in {".pem", ".pyc"}
)
# Of the script that makes the database's role, and of Grafana; of no server.
OTHERS = {
    SIMULATOR_KEY_VARIABLE,
    *("HYDRANT_PASSWORD", "HYDRANT_PASSWORD_FILE"),
    *("HYDRANT_URL", "HYDRANT_READ_TOKEN"),
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_variables_are_settings(path: Path) -> None:
    named = set(re.findall(r"\bHYDRANT_[A-Z_]+\b", path.read_text("utf-8")))
    known = {f"HYDRANT_{name.upper()}" for name in Settings.model_fields}
    assert named - known - OTHERS == set()


def test_there_are_files_that_name_some() -> None:
    texts = [path.read_text("utf-8") for path in FILES]
    assert len([text for text in texts if "HYDRANT_SECRETS_DIRECTORY" in text]) >= 4
