"""`hydrant simulate`: options to a stream, a delivery and a session."""

import threading
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.clock import SystemClock
from app.errors import HydrantError, InvalidParameter
from app.simulator.account import DEFAULT_PERCENTILES, AccountModel
from app.simulator.attempts import MAX_BACKOFF_SECONDS
from app.simulator.delivery import Delivery, Endpoint, HttpDelivery
from app.simulator.files import ErrorObjects, RequestFiles
from app.simulator.options import (
    DEFAULT_MINUTES,
    DEFAULT_PATH,
    check_ranges,
    checked_key,
    chosen_scenario,
    common_attributes,
    formats,
    percentile_names,
    period,
    target_url,
)
from app.simulator.records import STREAM_NAME, Format
from app.simulator.scenarios import SCENARIOS, ScenarioModel
from app.simulator.session import Session
from app.simulator.stream import StreamOptions, shipments
from app.simulator.topology import REGIONS

_TABLES = 20
# Of tables, accounts, regions and indexes, unless the options say otherwise.
_ACCOUNT = (_TABLES, 1, 1, 1)


def simulate(  # noqa: PLR0917 - Typer turns the parameters into options, in this order.
    url: Annotated[
        str, typer.Option(help=f"Endpoint; without a path, {DEFAULT_PATH} is appended.")
    ] = "",
    access_key: Annotated[
        str,
        typer.Option(
            envvar="HYDRANT_SIMULATE_ACCESS_KEY", help="X-Amz-Firehose-Access-Key; empty: absent."
        ),
    ] = "",
    format: Annotated[  # noqa: A002 - The option's name.
        str, typer.Option(help="json, opentelemetry0.7, opentelemetry1.0, or mixed.")
    ] = Format.OPENTELEMETRY_1_0.value,
    gzip: Annotated[bool, typer.Option(help="Compress request bodies.")] = False,  # noqa: FBT002
    common_attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Repeatable, up to 50 times.")
    ] = None,
    buffer_mib: Annotated[float, typer.Option(help="Buffer size hint, 1 to 64 MiB.")] = 5,
    buffer_seconds: Annotated[int, typer.Option(help="Buffer interval hint, 0 to 900 s.")] = 60,
    retry_seconds: Annotated[int, typer.Option(help="Retry duration, 0 to 7200 s.")] = 300,
    longest_backoff: Annotated[
        float, typer.Option(help="Longest wait between two attempts, 0.01 to 120 s.")
    ] = MAX_BACKOFF_SECONDS,
    duplicates: Annotated[float, typer.Option(help="Share of requests sent twice, 0 to 1.")] = 0,
    late: Annotated[float, typer.Option(help="Share of points 1-10 minutes late, 0 to 1.")] = 0,
    shuffle: Annotated[bool, typer.Option(help="Send requests out of order.")] = False,  # noqa: FBT002
    seed: Annotated[int, typer.Option(help="The same seed and start give the same bytes.")] = 0,
    tables: Annotated[int, typer.Option(help="Tables per account and region.")] = _TABLES,
    accounts: Annotated[int, typer.Option(help="Accounts behind the metric stream.")] = 1,
    regions: Annotated[int, typer.Option(help=f"Regions, 1 to {len(REGIONS)}.")] = 1,
    indexes: Annotated[int, typer.Option(help="Global secondary indexes of a table.")] = 1,
    percentiles: Annotated[
        str, typer.Option(help="Percentiles of latencies, by comma; empty: none.")
    ] = ",".join(DEFAULT_PERCENTILES),
    minutes: Annotated[
        int | None,
        typer.Option(
            help=f"Minutes to stream; default {DEFAULT_MINUTES}, or what the scenario needs; "
            "endless in real time."
        ),
    ] = None,
    start: Annotated[
        str, typer.Option(help="First minute, RFC 3339 or Unix time; default: so as to end now.")
    ] = "",
    realtime: Annotated[bool, typer.Option(help="Keep to the wall clock.")] = False,  # noqa: FBT002
    backfill: Annotated[int, typer.Option(help="With --realtime: minutes sent at once first.")] = 0,
    connections: Annotated[int, typer.Option(help="Requests under way at a time.")] = 1,
    backup: Annotated[
        Path | None, typer.Option(help="Folder for the S3 objects of failed requests.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="File for the totals of what was acknowledged.")
    ] = None,
    scenario: Annotated[
        str,
        typer.Option(help=f"A calm account in which one thing happens: {', '.join(SCENARIOS)}."),
    ] = "",
    scenario_answer: Annotated[
        Path | None, typer.Option(help="File for what happens, where, and which alarms fire.")
    ] = None,
    cause_metrics: Annotated[  # noqa: FBT002
        bool, typer.Option(help="Send the metrics of 2025 that tell causes of throttling.")
    ] = True,
    ca_file: Annotated[
        Path | None, typer.Option(help="Trust the certificates of this PEM file, and no others.")
    ] = None,
    insecure: Annotated[bool, typer.Option(help="Accept any certificate.")] = False,  # noqa: FBT002
    output: Annotated[
        Path | None, typer.Option(help="Write the requests into this folder, send nothing.")
    ] = None,
) -> None:
    """Send a simulated DynamoDB account to an endpoint, as Amazon Data Firehose would."""
    clock = SystemClock()
    stop = threading.Event()
    try:
        check_ranges(
            ("--buffer-mib", buffer_mib, 1, 64),
            ("--buffer-seconds", buffer_seconds, 0, 900),
            ("--retry-seconds", retry_seconds, 0, 7200),
            ("--longest-backoff", longest_backoff, 0.01, MAX_BACKOFF_SECONDS),
            ("--duplicates", duplicates, 0, 1),
            ("--late", late, 0, 1),
            ("--tables", tables, 0, 1_000_000),
            ("--accounts", accounts, 1, 10_000),
            ("--regions", regions, 1, len(REGIONS)),
            ("--indexes", indexes, 0, 20),
            ("--connections", connections, 1, 256),
            ("--backfill", backfill, 0, 30_000),
            ("--minutes", DEFAULT_MINUTES if minutes is None else minutes, 1, 10_000_000),
        )
        if backfill and not realtime:
            raise InvalidParameter("--backfill", "only together with --realtime")
        if realtime and start:
            raise InvalidParameter("--start", "not together with --realtime")
        if not url and output is None:
            raise InvalidParameter("--url", "required unless --output is given")
        if insecure and ca_file is not None:
            raise InvalidParameter("--ca-file", "not together with --insecure")
        played = chosen_scenario(
            scenario,
            scenario_answer,
            minutes,
            account=(tables, accounts, regions, indexes) != _ACCOUNT,
        )
        wanted = DEFAULT_MINUTES if played is None else played.minutes
        first_ms, length = period(
            clock.now_ms(), start, minutes, backfill, realtime=realtime, usual=wanted
        )
        model: AccountModel | ScenarioModel
        if played is None:
            model = AccountModel(
                seed,
                tables=tables,
                accounts=accounts,
                regions=regions,
                indexes_per_table=indexes,
                percentiles=percentile_names(percentiles),
            )
        else:
            model = ScenarioModel(played, first_ms, seed, percentiles=percentile_names(percentiles))
            if scenario_answer is not None:
                model.answer(inferred=not cause_metrics).write(scenario_answer)
        options = StreamOptions(
            start_ms=first_ms,
            minutes=length,
            seed=seed,
            formats=formats(format),
            buffer_bytes=int(buffer_mib * (1 << 20)),
            buffer_ms=buffer_seconds * 1000,
            gzip=gzip,
            access_key=checked_key(access_key),
            common_attributes=common_attributes(common_attribute or []),
            duplicates=duplicates,
            late=late,
            shuffle=shuffle,
            detours=model.detours if isinstance(model, ScenarioModel) else {},
            cause_metrics=cause_metrics,
        )
        delivery: Delivery
        if output is not None:
            delivery = RequestFiles(output)
        else:
            endpoint = Endpoint(target_url(url), clock, insecure=insecure, ca_file=ca_file)
            delivery = HttpDelivery(
                endpoint,
                clock,
                stop,
                retry_seconds=retry_seconds,
                longest_backoff_seconds=longest_backoff,
                seed=seed,
                report=_report,
            )
        session = Session(
            delivery,
            clock,
            stop,
            # Files are numbered in the order of sending, which several writers would lose.
            connections=connections if output is None else 1,
            realtime=realtime,
            backup=None if backup is None else ErrorObjects(backup, STREAM_NAME, clock),
            report=_report,
        )
        summary = session.run(shipments(model, options))
        delivery.close()
        if ledger is not None:
            session.ledger.write(
                ledger,
                seed=seed,
                format=format,
                start_ms=first_ms,
                unacknowledged_points=summary.lost,
            )
    except HydrantError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror or error}")
    typer.echo(summary.text())
    if summary.lost or summary.failures:
        raise typer.Exit(1)


def _report(line: str) -> None:
    typer.echo(line, err=True)


def _fail(message: str) -> NoReturn:
    typer.echo(f"hydrant simulate: {message}", err=True)
    raise typer.Exit(2)
