"""The dashboards that there are, which change with their files while the server runs."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import structlog

from app.clock import Clock
from app.dashboards.files import (
    Fault,
    by_title,
    dashboard_paths,
    directories,
    read_dashboard_files,
)
from app.dashboards.model import Dashboard
from app.errors import DashboardError, NotFound, similar

_SECONDS_BETWEEN_LOOKS = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dashboards:
    """Dashboards by title, and files that are none.

    A broken file hides the shipped dashboard that it would replace, so that nobody takes the one
    for the other.
    """

    dashboards: tuple[Dashboard, ...]
    faults: tuple[Fault, ...]

    def get(self, uid: str) -> Dashboard | None:
        """The dashboard with a uid."""
        return next((each for each in self.dashboards if each.uid == uid), None)

    def named(self, uid: str) -> Dashboard:
        """The same, which has to be there. Raises ``NotFound``."""
        dashboard = self.get(uid)
        if dashboard is None:
            known = [each.uid for each in self.dashboards]
            raise NotFound(f"there is no dashboard {uid!r}{similar(uid, known, 3)}")
        return dashboard

    def fault(self, uid: str) -> Fault | None:
        """The broken file that would be the dashboard with a uid."""
        return next((each for each in self.faults if each.uid == uid), None)


class _Stamp(NamedTuple):
    """What tells a file's versions apart without reading it."""

    inode: int
    size: int
    mtime_ns: int


class DashboardBook:
    """The dashboards of directories; those of a later one replace those of the ones before.

    Looks at names, sizes and times of the files when it is asked, at most once in two seconds, and
    reads them again when something has changed. Thread-safe.
    """

    def __init__(self, directories: Sequence[Path], clock: Clock) -> None:
        self._directories = tuple(directories)
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = clock.monotonic()
        self._stamps = self._look()
        self._current = self._read()

    @classmethod
    def of(cls, directory: Path | None, clock: Clock) -> Self:
        """The dashboards that are shipped and, over these, those of a user's directory."""
        return cls(directories(directory), clock)

    def current(self) -> Dashboards:
        """The dashboards as the files are now, or were two seconds ago."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._looked < _SECONDS_BETWEEN_LOOKS:
                return self._current
            self._looked = now
            stamps = self._look()
            if stamps != self._stamps:
                # Stamps from before the reading: what changes meanwhile is read at the next look.
                self._stamps = stamps
                self._current = self._read()
            return self._current

    def _look(self) -> list[dict[str, _Stamp | None] | str]:
        return [_look_at(directory) for directory in self._directories]

    def _read(self) -> Dashboards:
        dashboards: dict[str, Dashboard] = {}
        faults: dict[str, Fault] = {}
        for directory in self._directories:
            try:
                found, broken = read_dashboard_files(dashboard_paths(directory))
            except (DashboardError, OSError) as error:
                reason = DashboardError(str(error), file=str(directory))
                broken, found = [Fault(str(directory), directory.name, (reason,))], []
            for fault in broken:
                dashboards.pop(fault.uid, None)
                faults[fault.file] = fault
                _log.error("dashboard not taken", file=fault.file, reason=str(fault.errors[0]))
            dashboards.update({each.uid: each for each in found})
        return Dashboards(by_title(dashboards.values()), tuple(faults.values()))


def _look_at(directory: Path) -> dict[str, _Stamp | None] | str:
    """The files in their order, or why they cannot be seen."""
    try:
        return {name: _stamp(path) for name, path in dashboard_paths(directory).items()}
    except (DashboardError, OSError) as error:
        return str(error)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)
