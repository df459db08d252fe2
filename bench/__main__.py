"""``python -m bench``: what can be measured, and how; ``python -m bench all`` runs everything.

``all`` prints Markdown, as it stands in docs/performance.md, with machine and commit above.
"""

import os
import platform
import subprocess
import sys

from bench import alarms, cold, disk, grids, growth, ingest, memory, queries, rollups, rules, wire

_USAGE = """\
usage: python -m bench all            every benchmark as Markdown, about an hour
       python -m bench quick          ingest of known and new series alone, some minutes
       python -m bench.ingest --help  the server under simulated deliveries
       python -m bench.growth --help  the same from 1,000 to 1,000,000 series
       python -m bench.disk --help    a simulated day: bytes per point, CPU by part
       python -m bench.wire --help    from the body of a delivery to columns, nothing else
       python -m bench.cold --help    new series and a restart, step by step
       python -m bench.rules --help   loading rules, evaluating a minute of 80,000 points
       python -m bench.rollups --help rolling up an hour of points and values
       python -m bench.alarms --help  evaluating alarm rules over 2,000 tables
       python -m bench.queries --help a server that answers questions over a day of 2,000 tables
       python -m bench.grids --help   reading that day
       python -m bench.pages --help   the pages over a day of 2,000 tables
       python -m bench.painting --help the page of one of these tables in Chromium
       python -m bench.memory --help  peak memory under many large deliveries at once\
"""

_INGEST = (
    *(["--format", format_] for format_ in ingest.FORMATS),
    ["--paced"],
    ["--postgresql"],
    ["--gzip"],
    ["--request-mib", "4"],
    *(["--connections", str(number)] for number in (1, 4, 8)),
)


def main() -> None:
    """Run everything, or say what there is."""
    match sys.argv[1:]:
        case ["all"]:
            _machine()
            _title("Ingest")
            for options in _INGEST:
                ingest.main(options)
            _title("Wire to columns")
            wire.main([])
            _title("New series")
            cold.main([])
            _title("Growth")
            growth.main([])
            _title("Disk")
            disk.main([])
            disk.main(["--postgresql", "--hours", "3"])
            _title("Rules")
            rules.main([])
            _title("Rollups")
            rollups.main([])
            _title("Alarms")
            alarms.main([])
            _title("Queries")
            queries.main([])
            grids.main([])
            _title("Memory")
            memory.main(["--requests", "50", "--mebibytes", "64"])
        case ["quick"]:
            _machine()
            for options in ([], ["--postgresql"]):
                ingest.main(options)
        case _:
            print(_USAGE)


def _machine() -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git there is
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    print(
        f"Commit {commit}, Python {platform.python_version()}, {platform.system()}"
        f" {platform.release()}, {os.cpu_count()} CPUs ({_processor()}).\n"
    )


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a file of the kernel
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else "unknown"


def _title(name: str) -> None:
    print(f"## {name}\n", flush=True)


if __name__ == "__main__":
    main()
