"""``python -m bench.ingest``: points per CPU-second of the real server under simulated deliveries.

The first minute has new series only. The following ones up to ``--warm`` are not measured: series
that begin late, as those of errors, begin there. Then come minutes of known series as fast as the
server takes them, and with ``--paced`` the last ones again as new minutes at half of that speed,
each request due at its own time. After each phase the evaluation of the rules is waited for. At
last a second server rolls up what was sent, once, as it happens in production when minutes have
settled; an hour that has few minutes costs more of it per point than a whole one (``--minutes
57``). What known series cost with their share of that is the last row. CPU is that of the server
and its children; PostgreSQL's own is a column of its own.
"""

import argparse
import os
import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from app.simulator import Format
from bench.databases import own_postgresql, own_sqlite
from bench.prepared import KEY, Minute, prepared
from bench.sending import Sent, send
from bench.table import print_table
from bench.target import Target, own_server

FORMATS = [format_.value for format_ in Format]
_COLUMNS = (
    "phase",
    "points",
    "of new series",
    "points/CPU-s",
    "until answered",
    "points/s",
    "p50 ms",
    "p99 ms",
    "evaluation s",
    "values",
    "PostgreSQL CPU s",
)


@dataclass(frozen=True, slots=True)
class Phase:
    """One measured part of a run. ``cpu`` includes the evaluation, which may go on after."""

    name: str
    points: int
    new: int
    sent: Sent
    acknowledged_cpu: float
    cpu: float
    evaluation_seconds: float
    values: int
    database_cpu: float

    @property
    def per_cpu_second(self) -> float:
        """Points per CPU-second of everything."""
        return self.points / self.cpu if self.cpu else 0.0

    @property
    def row(self) -> tuple[str, ...]:
        """Cells of the table."""
        return (
            self.name,
            f"{self.points:,}",
            f"{self.new / self.points:.1%}" if self.sent.answers else "",
            f"{self.per_cpu_second:,.0f}",
            _rate(self.points, self.acknowledged_cpu),
            *self._answers(),
            f"{self.evaluation_seconds:.2f}" if self.values else "",
            f"{self.values:,}" if self.values else "",
            f"{self.database_cpu:.2f}" if self.database_cpu else "",
        )

    def _answers(self) -> tuple[str, ...]:
        if not self.sent.answers:
            return "", "", ""
        milliseconds = (f"{1000 * self.sent.quantile(share):.0f}" for share in (0.5, 0.99))
        return _rate(self.points, self.sent.seconds), *milliseconds


@dataclass(frozen=True, slots=True)
class Run:
    """The phases of a run, and what it left behind."""

    phases: list[Phase]
    peak_bytes: int
    stored_bytes: int

    @property
    def points(self) -> int:
        """Of all measured phases."""
        return sum(phase.points for phase in self.phases)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one benchmark and print a table in Markdown."""
    options = _options(arguments)
    minutes = prepared(
        options.series,
        1 + options.warm + options.minutes * (2 if options.paced else 1),
        format_=Format(options.format),
        request_mib=options.request_mib,
        gzip=options.gzip,
        key=options.key,
    )
    run = _run(options, minutes)
    compressed = ", gzip" if options.gzip else ""
    compressed += ", no rules" if options.no_rules else ""
    engine = "PostgreSQL" if options.postgresql or options.database else "SQLite"
    print(
        f"{options.format}{compressed}, {engine}, {options.request_mib:g} MiB requests,"
        f" {options.connections} connections; Python {platform.python_version()},"
        f" {os.cpu_count()} CPUs\n"
    )
    print_table(_COLUMNS, [phase.row for phase in run.phases])
    print(f"\npeak RSS {run.peak_bytes / (1 << 20):.0f} MiB", end="")
    if run.stored_bytes:
        points = sum(minute.points for minute in minutes)
        print(f", database {run.stored_bytes / points:.0f} bytes per point", end="")
    print("\n", flush=True)


def measured(
    target: Target, minutes: Sequence[Minute], *, warm: int, connections: int, paced: int = 0
) -> Run:
    """New series, then known ones; the last ``paced`` minutes at half of the speed before."""
    phases = [_measure("new series", minutes[:1], target, connections)]
    if warm:
        _measure("warming up", minutes[1 : 1 + warm], target, connections)
    known = minutes[1 + warm : len(minutes) - paced]
    if known:
        phases.append(_measure("known series", known, target, connections))
    if paced:
        requests = sum(len(minute.requests) for minute in known)
        rate = requests / phases[-1].sent.seconds / 2
        phases.append(
            _measure("at half of it", minutes[len(minutes) - paced :], target, 8, rate=rate)
        )
    return Run(phases, target.used().peak_bytes, target.stored_bytes())


def rolled_up(target: Target, run: Run, points: int) -> Run:
    """A run with the rollups of all its ``points``, and its known series with their share of them.

    The server has just been started on the same database.
    """
    before, database_cpu = target.used(), target.database_cpu()
    target.rolled_up()
    cpu = target.used().cpu - before.cpu
    database_cpu = target.database_cpu() - database_cpu
    nothing = Phase("rollups", points, 0, Sent(), 0.0, cpu, 0.0, 0, database_cpu)
    known = run.phases[min(1, len(run.phases) - 1)]
    whole = replace(
        known,
        name=f"{known.name} with rollups",
        cpu=known.cpu + cpu * known.points / points,
        database_cpu=known.database_cpu + database_cpu * known.points / points,
    )
    peak = max(run.peak_bytes, target.used().peak_bytes)
    return Run([*run.phases, nothing, whole], peak, target.stored_bytes())


def _measure(
    name: str,
    minutes: Sequence[Minute],
    target: Target,
    connections: int,
    *,
    rate: float | None = None,
) -> Phase:
    before, database_cpu = target.used(), target.database_cpu()
    counted = target.counters()
    requests = [request for minute in minutes for request in minute.requests]
    sent = send(target.url, requests, connections, requests_per_second=rate)
    acknowledged = target.used().cpu - before.cpu
    after = target.settled()
    seconds, values = "hydrant_evaluation_seconds_sum", "hydrant_values_written_total"
    return Phase(
        name,
        sum(minute.points for minute in minutes),
        sum(minute.new for minute in minutes),
        sent,
        acknowledged,
        target.used().cpu - before.cpu,
        after[seconds] - counted[seconds],
        int(after[values] - counted[values]),
        target.database_cpu() - database_cpu,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--series", type=int, default=80_000, help="points a minute, roughly")
    parser.add_argument("--minutes", type=int, default=4, help="minutes of known series")
    parser.add_argument("--warm", type=int, default=3, help="minutes between, not measured")
    parser.add_argument("--paced", action="store_true", help="once more at half of the speed")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[-1])
    parser.add_argument("--gzip", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--request-mib", type=float, default=1.0, help="records before base64")
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own")
    parser.add_argument("--database", help="URL; default: SQLite in a temporary directory")
    parser.add_argument("--url", help="a server that runs already, at its own cost of CPU")
    parser.add_argument("--key", default=KEY, help="access key of that server")
    parser.add_argument("--no-rules", action="store_true", help="an empty directory of rules")
    parser.add_argument("--profile", metavar="FILE", help="cProfile of all the server's threads")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace, minutes: Sequence[Minute]) -> Run:
    sending = {
        "warm": options.warm,
        "connections": options.connections,
        "paced": options.minutes if options.paced else 0,
    }
    if options.url:
        return measured(Target(options.url, options.key, None), minutes, **sending)
    arguments = {"rules": not options.no_rules, "profile": options.profile}
    with _database(options) as database:
        with own_server(database, **arguments) as target:
            run = measured(target, minutes, **sending)
        points = sum(minute.points for minute in minutes)
        with own_server(database, rules=not options.no_rules, rolls_up=True) as target:
            return rolled_up(target, run, points)


def _database(options: argparse.Namespace) -> AbstractContextManager[str]:
    if options.database:
        return nullcontext(options.database)
    return own_postgresql() if options.postgresql else own_sqlite()


def _rate(points: int, seconds: float) -> str:
    return f"{points / seconds:,.0f}" if seconds > 0 else ""


if __name__ == "__main__":
    main()
