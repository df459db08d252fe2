"""``python -m bench.growth``: cost per point and memory from a thousand series to a million.

For each number of series a server of its own gets a minute in which all of them are new, one in
which late ones begin, and ``--minutes`` of known series; another one rolls them up, which costs a
few minutes more per point than a whole hour. A straight line is a column that stays the same.
"""

import argparse
from collections.abc import Sequence

from bench.databases import own_postgresql, own_sqlite
from bench.ingest import Run, measured, rolled_up
from bench.prepared import prepared
from bench.table import print_table
from bench.target import own_server

_SERIES = (1_000, 10_000, 100_000, 1_000_000)
# So that a small number of series is not measured by its rounding to hundredths of a second.
_LEAST_POINTS = 200_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each size, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--series", type=int, nargs="+", default=_SERIES)
    parser.add_argument("--minutes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own")
    options = parser.parse_args(arguments)
    rows = [_row(series, _run(series, options)) for series in options.series]
    print_table(
        (
            "series",
            "known: µs of CPU per point",
            "rollups: µs of CPU per point",
            "new: µs of CPU per point",
            "peak RSS MiB",
            "RSS bytes per series",
        ),
        rows,
    )
    print(flush=True)


def _run(series: int, options: argparse.Namespace) -> Run:
    minutes = max(options.minutes, min(50, _LEAST_POINTS // series))
    made = prepared(series, 2 + minutes)
    with own_postgresql() if options.postgresql else own_sqlite() as database:
        with own_server(database) as target:
            run = measured(target, made, warm=1, connections=options.connections)
        with own_server(database, rolls_up=True) as target:
            return rolled_up(target, run, sum(minute.points for minute in made))


def _row(series: int, run: Run) -> tuple[str, ...]:
    new, known, rollups, _ = run.phases
    return (
        f"{series:,}",
        f"{1e6 / known.per_cpu_second:.2f}",
        f"{1e6 / rollups.per_cpu_second:.2f}",
        f"{1e6 / new.per_cpu_second:.2f}",
        f"{run.peak_bytes / (1 << 20):.0f}",
        f"{run.peak_bytes / series:,.0f}",
    )


if __name__ == "__main__":
    main()
