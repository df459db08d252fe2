"""Who holds the lease: one process, told apart from all others, also those of the past.

On the same machine a process that has ended can be seen to have ended. Such a guess is only about
waiting: what is stored is guarded by the lease's token, whoever is mistaken for dead.
"""

import os
import secrets
import socket
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

_PROC = Path("/proc")
# Fields of /proc/PID/stat behind the name, which may itself hold blanks and parentheses (proc(5)).
_STATE, _START = 0, 19
_ENDED = ("Z", "X")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process by its host, boot of the kernel, process namespace, id, start and a random name.

    ``boot``, ``namespace`` and ``started`` are empty where the system does not tell them.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: str
    name: str

    @classmethod
    def this_process(cls) -> Self:
        """A new holder in this process."""
        return cls(
            socket.gethostname().replace("/", "-"),
            _boot(),
            _namespace(),
            os.getpid(),
            _started(os.getpid()) or "",
            secrets.token_hex(4),
        )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The holder of a text as ``str`` gives it; None for any other."""
        match text.split("/"):
            case [host, boot, namespace, pid, started, name] if pid.isdecimal():
                return cls(host, boot, namespace, int(pid), started, name)
        return None

    def __str__(self) -> str:
        return "/".join(map(str, astuple(self)))

    def has_ended(self) -> bool:
        """Whether the process is certain to be gone; False where that cannot be seen from here."""
        here = (socket.gethostname().replace("/", "-"), _boot(), _namespace())
        if not all(here) or (self.host, self.boot, self.namespace) != here or not self.started:
            return False
        started = _started(self.pid)
        return not _exists(self.pid) if started is None else started != self.started


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process was started, in ticks since the boot; empty once it has ended.

    None when there is no telling: there is no such process, or it is hidden from us.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return "" if fields[_STATE] in _ENDED else fields[_START]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
