"""The databases of a soak test, each with the faults that its kind can have."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg

from tests.fixtures.postgresql import PostgresqlProcess
from tests.soak.disk import SmallDisk

Fault = Callable[[random.Random], None]

_LONGEST_FAULT_SECONDS = 2.0


class Backend(Protocol):
    """A database under test."""

    @property
    def url(self) -> str:
        """Where Hydrant finds it."""
        ...

    @property
    def clean_url(self) -> str:
        """An empty database of the same kind, for the run without faults."""
        ...

    @property
    def faults(self) -> Mapping[str, Fault]:
        """What can be done to it, by name; each returns when it is over."""
        ...


class Postgresql:
    """A PostgreSQL server of our own, perhaps on a small disk."""

    def __init__(self, process: PostgresqlProcess, disk: SmallDisk | None) -> None:
        self._process = process
        self._disk = disk
        for name in ("hydrant", "clean"):
            process.server.create_database(name)
        self.url = process.server.url("hydrant")
        self.clean_url = process.server.url("clean")

    @property
    def faults(self) -> Mapping[str, Fault]:
        """Restarts, crashes, killed backends, a pause, a full disk."""
        found: dict[str, Fault] = {
            "PostgreSQL restarted": lambda draws: self._restart("fast", draws),
            "PostgreSQL crashed": lambda draws: self._restart("immediate", draws),
            "PostgreSQL backend killed": self._kill_backend,
            "PostgreSQL paused": self._pause,
        }
        if self._disk is not None:
            found["disk filled"] = self._fill
        return found

    def _restart(self, mode: str, draws: random.Random) -> None:
        self._process.stop(mode)
        time.sleep(draws.random())
        self._started()

    def _kill_backend(self, draws: random.Random) -> None:
        """A backend that dies takes all others with it: the server recovers from its log."""
        with psycopg.connect(self._process.server.connection_info()) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = 'hydrant' ORDER BY pid"
            ).fetchall()
        if pids:
            os.kill(draws.choice(pids)[0], signal.SIGKILL)

    def _pause(self, draws: random.Random) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            time.sleep(draws.uniform(0.2, _LONGEST_FAULT_SECONDS))
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def _fill(self, draws: random.Random) -> None:
        assert self._disk is not None
        self._disk.fill()
        time.sleep(draws.uniform(0.5, _LONGEST_FAULT_SECONDS))
        self._disk.free()
        # Without space for its log PostgreSQL gives up, and waits for somebody to start it.
        self._started()

    def _started(self) -> None:
        deadline = time.monotonic() + 60
        while not (self._process.is_running and self._answers()):
            if time.monotonic() > deadline:
                raise AssertionError(self._process.log_file.read_text(errors="replace")[-5000:])
            if not self._process.is_running:
                self._process.launch()
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._process.server.connection_info(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgresql(directory: Path, disk: SmallDisk | None) -> Iterator[Postgresql]:
    """Run a server below a directory that everybody may enter, or on a small disk."""
    home = (disk.directory if disk is not None else directory) / "postgresql"
    home.mkdir(mode=0o755)
    process = PostgresqlProcess(home, max_wal_size="96MB", min_wal_size="32MB")
    try:
        if not process.start():
            raise AssertionError(process.log_file.read_text(errors="replace"))
        yield Postgresql(process, disk)
    finally:
        process.stop()


class Sqlite:
    """An SQLite file, perhaps on a small disk."""

    def __init__(self, directory: Path, disk: SmallDisk | None) -> None:
        self._disk = disk
        home = disk.directory if disk is not None else directory
        self.url = f"sqlite:///{home / 'hydrant.db'}"
        self.clean_url = f"sqlite:///{directory / 'clean.db'}"

    @property
    def faults(self) -> Mapping[str, Fault]:
        """A full disk."""
        return {} if self._disk is None else {"disk filled": self._fill}

    def _fill(self, draws: random.Random) -> None:
        assert self._disk is not None
        self._disk.fill()
        time.sleep(draws.uniform(0.5, _LONGEST_FAULT_SECONDS))
        self._disk.free()
