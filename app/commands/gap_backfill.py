"""``hydrant backfill``: points that streams have not brought, from CloudWatch."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.counting import counted
from app.commands.gap_report import GapReport, plan_text
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.pipeline import GapFilling, GapPlan, GapScope

PRICE_PER_1000 = 0.01
"""USD for 1,000 metrics requested by GetMetricData in most regions, as of November 2026."""

_INTERRUPTED = 130


def backfill(  # noqa: PLR0917 - Typer turns the parameters into options, in this order
    since: Annotated[str, typer.Option(help="First time: RFC 3339 or Unix time")],
    until: Annotated[str | None, typer.Option(help="Time to stop before; default: now")] = None,
    account: Annotated[
        str | None, typer.Option(help="Account of the series; default: that of the credentials")
    ] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only this region; repeatable")] = None,
    namespace: Annotated[
        list[str] | None, typer.Option(help="Only this namespace; repeatable")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; repeatable")] = None,
    dimension: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only series with this dimension; repeatable"),
    ] = None,
    statistic: Annotated[
        list[str] | None,
        typer.Option(help="Ask for this one, too, such as p99; repeatable"),
    ] = None,
    thorough: Annotated[  # noqa: FBT002 - an option
        bool,
        typer.Option(
            "--thorough",
            help="Ask for every minute without a point, also of series"
            " that do not report each minute",
        ),
    ] = False,
    discover: Annotated[  # noqa: FBT002 - an option
        bool,
        typer.Option("--discover", help="Ask ListMetrics for series that no stream has brought"),
    ] = False,
    linked: Annotated[  # noqa: FBT002 - an option
        bool,
        typer.Option("--linked", help="The credentials are those of a monitoring account"),
    ] = False,
    margin: Annotated[
        int, typer.Option(min=0, max=1440, help="Minutes before now that are left to the stream")
    ] = 5,
    price_per_1000: Annotated[
        float,
        typer.Option("--price-per-1000", min=0.0, help="USD for 1,000 metrics requested"),
    ] = PRICE_PER_1000,
    dry_run: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--dry-run", help="Say what is missing and what it costs, then stop")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it costs")] = False,  # noqa: FBT002
    profile: Annotated[str | None, typer.Option(help="Profile of the AWS configuration")] = None,
    role_arn: Annotated[str | None, typer.Option(help="ARN of a role to assume")] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(help="URL of a CloudWatch and STS that are not Amazon's")
    ] = None,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Fill gaps in streamed points from CloudWatch's GetMetricData; may run beside a server."""
    from app.clock import SystemClock
    from app.cloudwatch import CloudWatch, Session
    from app.pipeline import GapFilling, GapScope
    from app.query import parse_time_ms
    from app.settings import load_settings
    from app.storage import Store

    clock = SystemClock()
    start_ms = parse_time_ms("--since", since)
    end_ms = clock.now_ms() if until is None else parse_time_ms("--until", until)
    _check(start_ms, end_ms, statistic or [])
    dimensions = tuple(_dimension(text) for text in dimension or ())
    settings = load_settings(settings_file, database=database)
    first_region = region[0] if region else None
    session = Session(
        profile=profile, role_arn=role_arn, region=first_region, endpoint_url=endpoint_url
    )
    own = session.account()
    scope = GapScope(
        start_ms,
        end_ms,
        _account(account, own, linked=linked),
        linked,
        tuple(region or ()),
        tuple(namespace or ()),
        tuple(metric or ()),
        dimensions,
        tuple(statistic or ()),
        margin,
        thorough,
        discover,
    )
    store = Store(settings.database, readers=1, create=False)
    try:
        store.check()
        work = GapFilling(store, clock, lambda name: CloudWatch(session.cloudwatch(name), clock))
        plan = _plan(work, scope, price_per_1000)
        if plan.calls and not dry_run and _is_agreed(yes=yes):
            _fill(work, plan, price_per_1000)
    finally:
        store.close()


def _check(start_ms: int, end_ms: int, statistics: list[str]) -> None:
    from app.cloudwatch import is_statistic
    from app.errors import InvalidParameter

    if end_ms <= start_ms:
        raise InvalidParameter("--until", "the end must be after --since")
    for name in statistics:
        if not is_statistic(name):
            raise InvalidParameter(
                "--statistic",
                f"{name!r} is none beside the four that are always asked for (SampleCount, Sum,"
                " Minimum, Maximum); give p99, TM(25%:75%) and the like",
            )


def _dimension(text: str) -> tuple[str, str]:
    from app.errors import InvalidParameter

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidParameter("--dimension", f"{text!r} is not NAME=VALUE")
    return name, value


def _account(wanted: str | None, own: str, *, linked: bool) -> str:
    """The account whose series are looked at."""
    from app.errors import InvalidParameter

    if linked:
        if wanted is None:
            raise InvalidParameter("--account", "--linked needs the account of the series")
        return wanted
    if wanted not in {None, own}:
        raise InvalidParameter(
            "--account",
            f"the credentials are of account {own}, which does not see {wanted}; use those of"
            f" {wanted} (--profile, --role-arn), or --linked if {own} is its monitoring account",
        )
    return own


def _plan(work: "GapFilling", scope: "GapScope", price: float) -> "GapPlan":
    plan = work.plan(scope)
    for line in plan_text(plan, scope.account, price):
        typer.echo(line)
    return plan


def _is_agreed(*, yes: bool) -> bool:
    from app.errors import InvalidParameter

    if yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidParameter(
            "--yes", "there is no terminal to ask at; give --yes to agree to the cost"
        )
    if typer.confirm("ask CloudWatch?"):
        return True
    typer.echo("nothing has been asked for")
    return False


def _fill(work: "GapFilling", plan: "GapPlan", price: float) -> None:
    """Make the calls, show how far it is, and say what came of it."""
    from app.errors import HydrantError

    report = GapReport(price)
    again = "to go on, run the same command again: what is stored is no longer missing"
    try:
        with typer.progressbar(plan.calls, label="filling", file=sys.stderr) as progress:
            for call in progress:
                report.add(work.fill(call))
    except KeyboardInterrupt:
        typer.echo(f"interrupted: {report.summary()}; {again}", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    except HydrantError as error:
        if not report.calls:
            raise
        typer.echo(f"hydrant: {error}", err=True)
        typer.echo(f"stopped: {report.summary()}; {again}", err=True)
        raise typer.Exit(1) from None
    for line in report.remarks():
        typer.echo(line, err=True)
    typer.echo(report.summary())
    if report.minutes:
        typer.echo(
            f"rules are evaluated for {counted(len(report.minutes), 'minute')} by the server: now"
            " if it is running, else when it starts"
        )
    if report.unfinished:
        raise typer.Exit(1)
