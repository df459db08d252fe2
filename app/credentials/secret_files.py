"""Secrets as files of one directory, as Docker, Kubernetes and systemd hand them over.

Each file is named after a setting, with the prefix of its environment variable, in lower case:
``hydrant_access_keys``. Links are followed, since Kubernetes exchanges what they point to; other
files of the directory are not ours and are left alone.
"""

import stat
from collections.abc import Iterable
from pathlib import Path

from app.errors import ConfigurationError

PREFIX = "hydrant_"

_LARGEST_BYTES = 1 << 20
_OTHERS_MAY_USE = stat.S_IROTH | stat.S_IWOTH


def read_secret_files(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """The content of the files of these settings, without the line end at its end.

    A setting without a file is left out. Raises ``ConfigurationError``.
    """
    found = _ours(directory)
    wanted = {name: found[PREFIX + name] for name in names if PREFIX + name in found}
    return {name: read_secret(path) for name, path in wanted.items()}


def unknown_files(directory: Path, names: Iterable[str]) -> list[str]:
    """Files that look like those of settings and are none, such as a misspelt one."""
    known = {PREFIX + name for name in names}
    return sorted(name for name in _ours(directory) if name not in known)


def exposed_files(directory: Path) -> list[str]:
    """Files of ours that every user of the machine may read or change."""
    if not _mode(directory) & stat.S_IXOTH:
        return []
    found = _ours(directory).items()
    return sorted(name for name, path in found if _mode(path) & _OTHERS_MAY_USE)


def _mode(path: Path) -> int:
    """The permissions of what is there; of what is not, none."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _ours(directory: Path) -> dict[str, Path]:
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise ConfigurationError(
            f"the directory of secrets {directory} cannot be read: {error.strerror}"
        ) from error
    return {path.name: path for path in entries if path.name.lower().startswith(PREFIX)}


def read_secret(path: Path) -> str:
    """The content of a file, without the line end at its end. Raises ``ConfigurationError``."""
    try:
        # A pipe would be waited for until somebody writes to it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(f"the secret {path} is not a file")
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"the secret {path} cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST_BYTES:
        raise ConfigurationError(f"the secret {path} has more than {_LARGEST_BYTES} bytes")
    try:
        # Some editors begin a file with a mark that nobody sees.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"the secret {path} is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")
