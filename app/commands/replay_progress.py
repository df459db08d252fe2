"""What a replay shows while it works, and what it says at its end."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.clock import Clock
from app.commands.counting import counted

if TYPE_CHECKING:
    from app.backup import BackupObject
    from app.pipeline import ReplayedPiece

_MOST_REPORTS = 100
_ON_A_TERMINAL_SECONDS = 0.2
_ELSEWHERE_SECONDS = 10.0
_KILO = 1000


@dataclass(slots=True)
class Totals:
    """What has been done so far.

    ``bytes`` are those of objects as they are, ``bytes_before`` of those that were done before.
    """

    objects: int = 0
    done_before: int = 0
    failed: int = 0
    bytes: int = 0
    bytes_before: int = 0
    records: int = 0
    points: int = 0
    rejections: int = 0
    expired: int = 0
    duplicates: int = 0


class Progress:
    """One line that is written over on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, objects: Sequence["BackupObject"], clock: Clock, *, quiet: bool) -> None:
        self.totals = Totals()
        self._objects = len(objects)
        self._bytes = sum(each.size or 0 for each in objects)
        self._clock = clock
        self.quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._began = clock.monotonic()
        self._shown = self._began
        self._line = ""
        self._reports = 0

    def read(self, size: int) -> None:
        """Count bytes of an object."""
        self.totals.bytes += size
        self._show()

    def skipped(self, each: "BackupObject") -> None:
        """Count an object that was replayed before."""
        self.totals.done_before += 1
        self.totals.bytes_before += each.size or 0
        self._show()

    def stored(self, each: "BackupObject", piece: "ReplayedPiece") -> None:
        """Count a piece, and report what of it is in quarantine."""
        totals = self.totals
        totals.duplicates += piece.duplicate
        if not piece.duplicate:
            totals.records += piece.records
            totals.points += piece.points
            totals.expired += piece.expired
            totals.rejections += len(piece.rejections)
            for rejection in piece.rejections:
                self.report(f"{each.name}: {rejection.detail} ({rejection.reason.value})")
        self._show()

    def report(self, line: str) -> None:
        """Say what is wrong with an object, up to a hundred times."""
        self._reports += 1
        if self._reports > _MOST_REPORTS:
            if self._reports == _MOST_REPORTS + 1:
                self._write("there is more like this; it is counted only")
            return
        self._write(line)

    def failed(self, each: "BackupObject", reason: str) -> None:
        """Say which object could not be read as a whole."""
        self.totals.failed += 1
        self._write(f"error: {each.name}: {reason}")

    def close(self) -> None:
        """Leave the line behind."""
        if self._line:
            self._clear()

    def _show(self) -> None:
        now = self._clock.monotonic()
        every = _ON_A_TERMINAL_SECONDS if self._terminal else _ELSEWHERE_SECONDS
        if self.quiet or now - self._shown < every:
            return
        self._shown = now
        totals = self.totals
        seconds = max(now - self._began, 0.001)
        line = (
            f"{totals.objects + totals.done_before + totals.failed} of"
            f" {counted(self._objects, 'object')}, {size_text(totals.bytes + totals.bytes_before)}"
            + (f" of {size_text(self._bytes)}" if self._bytes else "")
            + f", {counted(totals.records, 'record')}, {counted(totals.points, 'point')},"
            f" {totals.points / seconds:,.0f} points/s"
        )
        if self._terminal:
            self._clear()
            self._line = line
            sys.stderr.write(line)
            sys.stderr.flush()
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        self._clear()
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._line:
            sys.stderr.write("\r" + " " * len(self._line) + "\r")
            self._line = ""


def size_text(size: int) -> str:
    """``999 B``, ``1.0 kB``, ``12.3 MB``: in powers of a thousand."""
    if size < _KILO:
        return f"{size} B"
    number = float(size)
    for unit in ("kB", "MB", "GB"):
        number /= _KILO
        if number < _KILO:
            return f"{number:.1f} {unit}"
    return f"{number / _KILO:.1f} TB"
