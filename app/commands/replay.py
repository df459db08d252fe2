"""``hydrant replay``: objects that Firehose left in S3, and quarantined records."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.counting import counted
from app.commands.interruption import Interrupted, Interruption
from app.commands.options import Database, SettingsFile
from app.commands.replay_progress import Progress, size_text

if TYPE_CHECKING:
    from app.backup import BackupObject
    from app.pipeline import DryRun, Release, Replay


def replay(  # noqa: PLR0917 - Typer turns the parameters into options, in this order
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH...", help="Files, directories, s3://BUCKET/PREFIX; - for standard input"
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Leave out objects of earlier arrivals: RFC 3339, Unix time")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Leave out objects of arrivals from this time on")
    ] = None,
    again: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--again", help="Replay finished objects, too, from their beginning")
    ] = False,
    dry_run: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--dry-run", help="Read and decode, store nothing; needs no database")
    ] = False,
    quarantine: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--quarantine", help="Replay quarantined records instead of objects")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="With --quarantine: only those of this reason")
    ] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(help="URL of an S3 that is not Amazon's")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say only what is wrong")] = False,  # noqa: FBT002
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Store what Firehose left in S3; may run beside a server."""
    from app.clock import SystemClock
    from app.errors import InvalidParameter
    from app.otlp import Decoder
    from app.pipeline import DryRun, Release, Replay
    from app.settings import load_settings
    from app.storage import Store

    if quarantine is bool(paths):
        raise InvalidParameter("PATH", "name what to replay, or give --quarantine, and not both")
    if reason is not None and not quarantine:
        raise InvalidParameter("--reason", "only together with --quarantine")
    if quarantine and (again or dry_run or since or until or endpoint_url):
        raise InvalidParameter("--quarantine", "only together with --reason and --quiet")
    if dry_run and again:
        raise InvalidParameter("--again", "not together with --dry-run, which stores nothing")
    objects = [] if quarantine else _found(paths or [], since, until, endpoint_url)
    clock = SystemClock()
    progress = Progress(objects, clock, quiet=quiet)
    settings = load_settings(settings_file, database=database)
    decoder = Decoder(settings.decoder)
    if dry_run:
        with Interruption() as interruption:
            _replay(DryRun(decoder), objects, progress, interruption)
        return
    store = Store(settings.database, readers=1, create=False)
    try:
        store.check()
        with Interruption() as interruption:
            if quarantine:
                release = Release(store, clock, reason, interruption.hold, decoder)
                _release(release, interruption, quiet)
                return
            work = Replay(store, clock, interruption.hold, decoder)
            if again:
                work.restart(objects)
            _replay(work, objects, progress, interruption)
    finally:
        store.close()


def _found(
    paths: Sequence[str], since: str | None, until: str | None, endpoint_url: str | None
) -> list["BackupObject"]:
    """The objects of the paths that may hold arrivals of the range."""
    from app.backup import arrivals, find_objects
    from app.clock import LAST_MS
    from app.errors import InvalidParameter, NotFound
    from app.query import parse_time_ms

    start_ms = 0 if since is None else parse_time_ms("--since", since)
    end_ms = LAST_MS if until is None else parse_time_ms("--until", until)
    if end_ms <= start_ms:
        raise InvalidParameter("--until", "the end must be after --since")
    objects = find_objects(paths, endpoint_url=endpoint_url)
    if since is None and until is None:
        return objects
    chosen = []
    for each in objects:
        span = arrivals(each.name)
        if span is None or (span[0] < end_ms and span[1] >= start_ms):
            chosen.append(each)
    if not chosen:
        raise NotFound(
            f"none of the {counted(len(objects), 'object')} has arrivals of this range of time"
        )
    return chosen


def _replay(
    work: "Replay | DryRun",
    objects: Sequence["BackupObject"],
    progress: Progress,
    interruption: Interruption,
) -> None:
    """Replay objects, show how far it is, and say what came of it."""
    from app.backup import UnreadableObject
    from app.errors import StorageUnavailable
    from app.pipeline import Replay

    stores = isinstance(work, Replay)
    try:
        for each in objects:
            interruption.let_go()
            if isinstance(work, Replay) and work.is_finished(each):
                progress.skipped(each)
                continue
            try:
                for piece in work.replay(each, progress.read):
                    progress.stored(each, piece)
                    interruption.let_go()
            except UnreadableObject as error:
                progress.failed(each, error.message)
            else:
                progress.totals.objects += 1
        interruption.let_go()
    except (Interrupted, StorageUnavailable) as error:
        progress.close()
        status, what = _stopped(error)
        how = "to go on behind what is stored, run the same command again, without --again"
        typer.echo(f"{what}: {_said(progress, stored=stores)}; {how}", err=True)
        raise typer.Exit(status) from None
    progress.close()
    if not progress.quiet:
        typer.echo(_said(progress, stored=stores))
        if stores and progress.totals.points:
            typer.echo(
                "metrics of these minutes are computed by the server: now if it is running,"
                " else when it starts"
            )
    if progress.totals.failed:
        raise typer.Exit(1)


def _stopped(error: Exception | Interrupted) -> tuple[int, str]:
    if isinstance(error, Interrupted):
        return error.status, "interrupted"
    return 1, f"hydrant: stopped: {error}"


def _said(progress: Progress, *, stored: bool) -> str:
    totals = progress.totals
    what = f"{'replayed' if stored else 'read'} {counted(totals.objects, 'object')}"
    size = size_text(totals.bytes)
    parts = [
        f"{what} ({size}): {counted(totals.records, 'record')}, {counted(totals.points, 'point')}"
    ]
    if totals.rejections:
        where = "in quarantine" if stored else "undecodable"
        parts.append(f"{counted(totals.rejections, 'rejection')} {where}")
    if totals.expired:
        parts.append(
            f"{counted(totals.expired, 'point')} left out as their minutes are no longer kept"
        )
    if totals.duplicates:
        parts.append(f"{counted(totals.duplicates, 'piece')} stored before")
    if totals.done_before:
        parts.append(f"{counted(totals.done_before, 'object')} replayed before")
    if totals.failed:
        parts.append(f"{counted(totals.failed, 'object')} not read to the end")
    return ", ".join(parts)


def _release(work: "Release", interruption: Interruption, quiet: bool) -> None:  # noqa: FBT001 - private
    """Try the quarantine once more, and say what came of it."""
    from app.errors import StorageUnavailable

    released = points = expired = failing = 0
    try:
        for row in work.release(work.rows()):
            released += not row.left
            failing += bool(row.left)
            points += row.points
            expired += row.expired
            interruption.let_go()
    except (Interrupted, StorageUnavailable) as error:
        status, what = _stopped(error)
        typer.echo(
            f"{what}: {counted(released, 'row')} released, the rest is as it was;"
            " to go on, run the same command again",
            err=True,
        )
        raise typer.Exit(status) from None
    if not quiet:
        text = f"released {counted(released, 'row')} of the quarantine: {counted(points, 'point')}"
        if expired:
            text += f", {counted(expired, 'point')} left out as their minutes are no longer kept"
        typer.echo(f"{text}; {counted(failing, 'row')} still cannot be decoded")
