"""What a process and its children have used, read from /proc."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LONGEST_SETTLING_SECONDS = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of a process tree so far, and the peak of its resident memory in bytes."""

    user: float
    system: float
    peak_bytes: int

    @property
    def cpu(self) -> float:
        """User and system time together."""
        return self.user + self.system


def usage(pid: int) -> Usage:
    """The usage of a process, its living children and those it has waited for."""
    # The fields after the command's name, which may hold spaces and parentheses itself.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system, waited_user, waited_system = (int(value) for value in fields[11:15])
    total = Usage(
        (user + waited_user) / _TICKS, (system + waited_system) / _TICKS, _peak_bytes(pid)
    )
    for child in _children(pid):
        try:
            part = usage(child)
        except FileNotFoundError:
            continue  # It has ended meanwhile; from now on it is among those waited for.
        total = Usage(
            total.user + part.user,
            total.system + part.system,
            total.peak_bytes + part.peak_bytes,
        )
    return total


def cpu_of(pids: Iterable[int]) -> float:
    """CPU seconds of process trees so far."""
    return sum(usage(pid).cpu for pid in pids)


def until_idle(pids: Iterable[int], longest_seconds: float = _LONGEST_SETTLING_SECONDS) -> None:
    """Wait until a second takes them less than a tenth of one of CPU."""
    pids = list(pids)
    deadline = time.monotonic() + longest_seconds
    while time.monotonic() < deadline:
        before = cpu_of(pids)
        time.sleep(1)
        if cpu_of(pids) - before < 0.1:
            return


def _peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text(encoding="utf-8").split())
    return found
