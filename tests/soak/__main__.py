"""``python -m tests.soak``: the long form of the soak test."""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.soak.backends import Backend, Sqlite, postgresql
from tests.soak.disk import NoSmallDiskError, SmallDisk, small_disk
from tests.soak.drill import Drill
from tests.soak.front import tls


def main() -> int:
    """Run one drill and print what was acknowledged, found, lost and doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=main.__doc__)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--disk-mib", type=int, default=2000)
    options = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {line}\n")
        sys.stdout.flush()

    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hydrant-soak-")))
        directory.chmod(0o755)
        disk: SmallDisk | None = None
        try:
            disk = stack.enter_context(small_disk(directory / "disk", options.disk_mib))
        except NoSmallDiskError as error:
            say(f"no full disk: {error}")
        backend: Backend = Sqlite(directory, disk)
        servers = 1
        if options.database == "postgresql":
            backend = stack.enter_context(postgresql(directory, disk))
            servers = 2
        report = Drill(backend, tls, directory, servers, options.kills, options.seed, say).run()
    say("over")
    sys.stdout.write(f"{report.text()}\n")
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
