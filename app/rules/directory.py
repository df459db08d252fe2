"""The directory of rules while the server runs: what has changed, once it stands still."""

from pathlib import Path
from typing import NamedTuple

from app.errors import RuleError
from app.rules.book import RuleContents
from app.rules.files import read_rule_text, rule_paths


class _Stamp(NamedTuple):
    """What tells a file's versions apart without reading it."""

    inode: int
    size: int
    mtime_ns: int


class RuleDirectory:
    """Looks at the files of a directory. Not thread-safe: one watcher owns it.

    A change counts when two looks in a row have seen the same: an editor that renames has come to
    its end by then, a file that is being written has not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: object = None
        self._taken: object = None

    @property
    def is_settled(self) -> bool:
        """Whether the last look saw nothing that is still to be taken."""
        return self._seen == self._taken

    def changes(self) -> RuleContents | None:
        """What every file holds, or why it cannot be read; None while there is nothing new.

        The first two looks count as a change. Raises ``RuleError`` when the directory itself
        cannot be read; like any other change, that is told once.
        """
        stamps = self._look()
        before, self._seen = self._seen, stamps
        if stamps != before or stamps == self._taken:
            return None
        self._taken = stamps
        if isinstance(stamps, str):
            raise RuleError(stamps)
        return {name: _content(self._path / name, name) for name in stamps}

    def _look(self) -> dict[str, _Stamp | None] | str:
        """The files in their order, or why there are none to be seen."""
        try:
            return {name: _stamp(path) for name, path in rule_paths(self._path).items()}
        except RuleError as error:
            return error.reason
        except OSError as error:
            return f"the directory of rules {self._path} cannot be read: {error}"


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def _content(path: Path, name: str) -> str | RuleError:
    try:
        return read_rule_text(path, name)
    except RuleError as error:
        return error
