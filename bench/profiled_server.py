"""``bench.ingest --profile``: the server with every thread under cProfile.

Started as ``profiled_server.py FILE serve …``; writes the merged statistics when it ends.
"""

import cProfile
import pstats
import sys
import threading
import time
from collections.abc import Callable

_profiles: list[cProfile.Profile] = []


def _profiled(run: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def profiled(thread: threading.Thread) -> None:
        # Time of the thread alone: waiting for others is none.
        profile = cProfile.Profile(time.thread_time)
        _profiles.append(profile)
        profile.runcall(run, thread)

    return profiled


def main() -> None:
    """Run the command line, then write the statistics of all threads."""
    from app import cli

    file = sys.argv.pop(1)
    # WorkerThread of anyio overrides run(); _bootstrap_inner is what every thread goes through.
    bootstrap = "_bootstrap_inner"
    setattr(threading.Thread, bootstrap, _profiled(getattr(threading.Thread, bootstrap)))
    own = cProfile.Profile(time.thread_time)
    try:
        own.runcall(cli.main)
    finally:
        statistics = pstats.Stats(own)
        for profile in _profiles:
            profile.create_stats()
            statistics.add(profile)
        statistics.dump_stats(file)


if __name__ == "__main__":
    main()
