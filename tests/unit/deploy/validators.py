"""Programs that judge files in deploy/, run as a user would run them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
DEPLOY = REPOSITORY / "deploy"


def validate(
    program: str, *arguments: object, directory: Path = REPOSITORY
) -> "subprocess.CompletedProcess[str]":
    """Run a validator of the environment's, or of the system's; a missing one skips the test."""
    own = Path(sys.executable).parent / program
    found = str(own) if own.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return subprocess.run(
        [found, *map(str, arguments)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def accepted(program: str, *arguments: object, directory: Path = REPOSITORY) -> str:
    """What a validator printed that had nothing against it."""
    result = validate(program, *arguments, directory=directory)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr
