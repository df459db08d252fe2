"""Everything behind Firehose fails, at random moments and in turns, and is started again."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from tests.fixtures.server import RunningServer
from tests.soak.backends import Fault

_BETWEEN_KILLS_SECONDS = (0.3, 2.5)
_LONGEST_DOWN_SECONDS = 1.0
_SUPERVISION_SECONDS = 0.1


class Chaos:
    """Kills ``servers`` with SIGKILL ``kills`` times, with other ``faults`` in between.

    What has ended is started again, as a service manager would. ``say`` gets a line for each event.
    """

    def __init__(
        self,
        servers: Sequence[RunningServer],
        faults: Mapping[str, Fault],
        *,
        kills: int,
        seed: int,
        say: Callable[[str], None],
    ) -> None:
        self.kills = 0
        self.done: Counter[str] = Counter()
        self.ended_by_themselves = 0
        self._servers = servers
        self._wanted = kills
        self._draws = random.Random(seed)
        self._say = say
        self._faults = faults
        self._due = self._schedule()
        self._not_before = dict.fromkeys(range(len(servers)), 0.0)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor")

    def __enter__(self) -> Self:
        self._supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._supervisor.join()

    def stop(self) -> None:
        """End ``run`` early, and no longer start what has ended."""
        self._stopped.set()

    def _schedule(self) -> dict[int, list[str]]:
        """The faults after each kill: every kind at least once, and one with every fourth kill."""
        names = list(self._faults)
        due: dict[int, list[str]] = {}
        drawn = names + self._draws.choices(names, k=self._wanted // 4) if names else []
        for name in drawn[: max(len(names), self._wanted // 4)]:
            due.setdefault(self._draws.randrange(1, self._wanted + 1), []).append(name)
        return due

    def run(self) -> None:
        """Do all of it; belongs on the main thread.

        PostgreSQL is told to stop when the thread that has started it ends.
        """
        while self.kills < self._wanted:
            if self._stopped.wait(self._draws.uniform(*_BETWEEN_KILLS_SECONDS)):
                return
            number = self._draws.randrange(len(self._servers))
            with self._lock:
                if not self._servers[number].is_running:
                    continue
                self._servers[number].kill()
                self.kills += 1
                down = self._draws.random() * _LONGEST_DOWN_SECONDS
                self._not_before[number] = time.monotonic() + down
            self._say(f"kill {self.kills}: server {number + 1}")
            for name in self._due.get(self.kills, ()):
                if self._stopped.wait(self._draws.random()):
                    return
                self._say(name)
                self._faults[name](self._draws)
                self.done[name] += 1

    def _supervise(self) -> None:
        while not self._stopped.wait(_SUPERVISION_SECONDS):
            with self._lock:
                for number, server in enumerate(self._servers):
                    if server.is_running or time.monotonic() < self._not_before[number]:
                        continue
                    if server.has_ended:
                        self.ended_by_themselves += 1
                        line = server.log.rstrip().rpartition("\n")[2]
                        self._say(f"server {number + 1} had ended by itself: {line}")
                        self._not_before[number] = time.monotonic() + _LONGEST_DOWN_SECONDS
                        server.forget()
                        continue
                    server.launch()
