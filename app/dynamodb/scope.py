"""What a question is about: which part of which accounts, and which time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.catalog import SeriesIdentity
from app.clock import LAST_MS, MILLISECONDS_PER_MINUTE
from app.dynamodb.reader import MetricSeries, find_series, finest_tier, read_found
from app.dynamodb.resources import NAMESPACE, TABLE
from app.errors import InvalidParameter, NotFound, similar
from app.storage import Connection, SeriesFilter, Tier, search_series

DEFAULT_MS = 3_600_000
"""The length of a range of which only one end is given, or none."""

SAMPLED_MINUTES = 5
ACCOUNT_LIMITS = frozenset(
    f"{name}{direction}{rest}"
    for direction in ("Read", "Write")
    for name, rest in (
        ("AccountMax", "s"),
        ("AccountMaxTableLevel", "s"),
        ("AccountProvisioned", "CapacityUtilization"),
        ("MaxProvisionedTable", "CapacityUtilization"),
    )
)
ACCOUNT_METRICS = ACCOUNT_LIMITS | {"UserErrors"}
"""Metrics without dimensions: of all of an account in a region."""

_OF_EVERY_TABLE = "ConsumedReadCapacityUnits"

_SAMPLED = ACCOUNT_LIMITS.union(
    f"{name}{direction}{rest}"
    for direction in ("Read", "Write")
    for name, rest in (("Provisioned", "CapacityUnits"), ("OnDemandMax", "RequestUnits"))
)
"""Settings and limits, which CloudWatch has once in ``SAMPLED_MINUTES``."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Series of an account, a region and a table, where given, in [``start_ms``, ``end_ms``).

    Both times are whole minutes.
    """

    account: str | None
    region: str | None
    table: str | None
    start_ms: int
    end_ms: int

    def is_over(self, now_ms: int) -> bool:
        """Whether it ends in the past: what is in it changes only by points that come late."""
        return self.end_ms <= now_ms


def scope_of(
    now_ms: int,
    *,
    account: str | None = None,
    region: str | None = None,
    table: str | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    default_ms: int = DEFAULT_MS,
) -> Scope:
    """The scope with its times: to now without ``end_ms``, and ``default_ms`` without ``start_ms``.

    Times are widened to whole minutes. Raises ``InvalidParameter`` for an end before the start.
    """
    if end_ms is None:
        end_ms = now_ms if start_ms is None or start_ms < now_ms else start_ms + default_ms
    if start_ms is None:
        start_ms = max(0, end_ms - default_ms)
    if end_ms <= start_ms:
        raise InvalidParameter("end", "the end must be after the start")
    start_ms -= start_ms % MILLISECONDS_PER_MINUTE
    end_ms = min(end_ms + -end_ms % MILLISECONDS_PER_MINUTE, LAST_MS)
    return Scope(account, region, table, start_ms, end_ms)


@dataclass(frozen=True, slots=True)
class Reading:
    """Series by metric, and what was read of them.

    ``start_ms`` and ``end_ms`` are the scope's, widened to whole buckets of ``tier``. Settings and
    limits (``SAMPLED_MINUTES``) reach back before it by ``carry_ms``.
    """

    scope: Scope
    tier: Tier
    start_ms: int
    end_ms: int
    by_metric: Mapping[str, list[MetricSeries]]

    def of(self, metric: str) -> list[MetricSeries]:
        """The series of a metric that have points."""
        return self.by_metric.get(metric, [])


def carry_ms(tier: Tier) -> int:
    """How long a setting or limit counts after its sample: three samples, or the next bucket."""
    return max(3 * SAMPLED_MINUTES * MILLISECONDS_PER_MINUTE, 2 * tier.length_ms)


def read_scope(
    connection: Connection,
    scope: Scope,
    wanted: Collection[str],
    *,
    most_points: int,
    extras: Collection[str] = (),
    finest: Tier = Tier.MINUTE,
    aim: int | None = None,
) -> Reading:
    """Series of AWS/DynamoDB in a scope, with as many points as ``most_points`` allows.

    Points are minutes if these are still kept and not too many, else buckets of 5 minutes, else
    hours, and never shorter than ``finest``; with ``aim`` they are longer from so many points on.
    The metrics ``extras`` may have extra statistics, which are read with minutes, and count as
    points. Raises ``ResultTooLarge`` if there are too
    many hours, ``NotFound`` for a table of which there is no series at all.
    """
    found = _found(connection, scope, wanted)
    if scope.table is not None and not any(each[1].dimensions for each in found):
        check_table(connection, scope.account, scope.region, scope.table)
    tier = max(finest, finest_tier(connection, scope.start_ms))
    wanted_points = most_points if aim is None else min(aim, most_points)
    while tier is not Tier.HOUR and _estimate(found, scope, tier, extras) > wanted_points:
        tier = Tier.FIVE_MINUTES if tier is Tier.MINUTE else Tier.HOUR
    # Of what was estimated there cannot be more. Of hours there may be few in a long range.
    limit = most_points if tier is Tier.HOUR else None
    start_ms = scope.start_ms - scope.start_ms % tier.length_ms
    end_ms = scope.end_ms + -scope.end_ms % tier.length_ms
    by_metric: dict[str, list[MetricSeries]] = {}
    for sampled in (False, True):
        chosen = [each for each in found if (each[1].metric in _SAMPLED) is sampled]
        from_ms = max(0, start_ms - carry_ms(tier)) if sampled else start_ms
        for series in read_found(
            connection, chosen, from_ms, end_ms, limit=limit, tier=tier, extras=bool(extras)
        ):
            by_metric.setdefault(series.identity.metric, []).append(series)
    return Reading(scope, tier, start_ms, end_ms, by_metric)


def _found(
    connection: Connection, scope: Scope, wanted: Collection[str]
) -> list[tuple[int, SeriesIdentity]]:
    """What is said of the account is wanted beside what is said of one of its tables."""
    of_account = [metric for metric in wanted if metric in ACCOUNT_METRICS]
    of_tables = [metric for metric in wanted if metric not in ACCOUNT_METRICS]
    account, region = scope.account, scope.region
    whole = find_series(connection, of_account, account=account, region=region)
    return [
        *find_series(connection, of_tables, account=account, region=region, table=scope.table),
        *(each for each in whole if not each[1].dimensions),
    ]


def _estimate(
    found: Sequence[tuple[int, SeriesIdentity]], scope: Scope, tier: Tier, extras: Collection[str]
) -> int:
    """The most points that there can be, with the three extra statistics that are usual."""
    of_tier = -(-(scope.end_ms - scope.start_ms) // tier.length_ms) + 1
    of_samples = -(-of_tier * tier // max(tier, SAMPLED_MINUTES)) + 1
    sampled = sum(identity.metric in _SAMPLED for _, identity in found)
    extra = sum(identity.metric in extras for _, identity in found) if tier is Tier.MINUTE else 0
    return (len(found) - sampled + 3 * extra) * of_tier + sampled * of_samples


def check_table(
    connection: Connection, account: str | None, region: str | None, table: str
) -> None:
    """Raises ``NotFound``, with similar names, for a table of which there is no series at all."""
    if search_series(connection, SeriesFilter(NAMESPACE, None, account, region, ((TABLE, table),))):
        return
    everywhere = SeriesFilter(NAMESPACE, _OF_EVERY_TABLE, account, region)
    known = {
        name
        for _, identity in search_series(connection, everywhere)
        if (name := dict(identity.dimensions).get(TABLE)) is not None
    }
    raise NotFound(
        f"there are no metrics of a table {table!r} here{similar(table, sorted(known), 3)};"
        " `hydrant dynamodb report` and /api/v1/dynamodb/tables list all that there are"
    )
