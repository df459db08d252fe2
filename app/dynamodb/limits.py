"""Time to limit: of consumption of tables and indexes, and of what an account has provisioned.

Sources: consumed and provisioned capacity by table and index, and the account's
AccountProvisioned{Read,Write}CapacityUtilization and MaxProvisionedTable{…}CapacityUtilization. The
number of tables has no limit among the metrics (its quota is not delivered), so nothing is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.dynamodb.hours import by_hours
from app.dynamodb.projection import DAY_MS, HOUR_MS, Hours, Outcome, Projection, project
from app.dynamodb.resources import Resource
from app.dynamodb.scope import Reading, carry_ms
from app.dynamodb.utilization import (
    DIRECTIONS,
    NO_LEVELS,
    Limit,
    by_resource,
    levels_of,
    limits_of,
)
from app.dynamodb.utilization import METRICS as CAPACITY_METRICS
from app.storage import Tier

DEFAULT_MS = 28 * DAY_MS
"""The length of a range of which only the end is given: four whole weeks."""

TIER = Tier.HOUR
"""What is read: no point shorter than an hour counts."""


class Of(StrEnum):
    """Whose utilisation it is."""

    TABLE = "table"
    """What a table or index consumes, of what limits it."""
    ACCOUNT = "account"
    """What all tables and indexes have provisioned, of the account's limit for all."""
    LARGEST_TABLE = "largest_table"
    """What the table or index with the most has provisioned, of the account's limit for one."""


_OF_ACCOUNT = (
    (Of.ACCOUNT, "AccountProvisioned{}CapacityUtilization", "AccountMax{}s"),
    (Of.LARGEST_TABLE, "MaxProvisionedTable{}CapacityUtilization", "AccountMaxTableLevel{}s"),
)
METRICS = tuple(
    dict.fromkeys(
        (
            *CAPACITY_METRICS,
            *(
                name.format(direction)
                for _, *names in _OF_ACCOUNT
                for name in names
                for direction in DIRECTIONS
            ),
        )
    )
)


@dataclass(frozen=True, slots=True)
class TimeToLimit:
    """The projection of reads or writes (``direction``: read, write).

    ``resource`` has no table where it is about the account. ``limit`` is the newest, in units per
    second; None where it was not delivered.
    """

    of: Of
    resource: Resource
    direction: str
    limited_by: str
    limit: float | None
    projection: Projection


def time_to_limits(reading: Reading) -> list[TimeToLimit]:
    """All that have a limit in a reading of ``METRICS``: what is over it, then by time.

    Those of which no time can be told come last, the highest peak first.
    """
    hours = by_hours(reading)
    found = [
        each
        for direction in DIRECTIONS
        for each in (*_tables(hours, direction), *_accounts(hours, direction))
    ]
    return sorted(found, key=_place)


def _tables(reading: Reading, direction: str) -> Iterator[TimeToLimit]:
    consumed = by_resource(reading.of(f"Consumed{direction}CapacityUnits"))
    limits = limits_of(reading, direction, consumed)
    for resource, series in consumed.items():
        limit, kinds = limits[resource].at(series.starts_ms)
        rows = np.flatnonzero(~np.isnan(limit))
        if len(rows):
            percent = 100 * series.total / (limit * (HOUR_MS / 1000))
            kind = int(kinds[rows[-1]])
            # What was limited by something else before, such as in another capacity mode, has
            # had another limit, whatever its number.
            limit = np.where((kinds == kind) | np.isnan(limit), limit, 0.0)
            yield _of(
                Of.TABLE,
                resource,
                direction,
                Limit(kind).name.lower(),
                Hours(series.starts_ms, percent, limit),
                reading,
            )


def _accounts(reading: Reading, direction: str) -> Iterator[TimeToLimit]:
    for of, metric, limit_metric in _OF_ACCOUNT:
        levels = {
            (each.identity.account, each.identity.region): levels_of(each)
            for each in reading.of(limit_metric.format(direction))
        }
        for series in reading.of(metric.format(direction)):
            place = series.identity.account, series.identity.region
            limit = levels.get(place, NO_LEVELS).at(series.starts_ms, carry_ms(reading.tier))
            hours = Hours(series.starts_ms, series.maximum, limit)
            limited_by = "account_limit" if of is Of.ACCOUNT else "account_table_limit"
            yield _of(of, Resource(*place, ""), direction, limited_by, hours, reading)


def _of(  # noqa: PLR0917 - all of them are columns of the answer
    of: Of, resource: Resource, direction: str, limited_by: str, hours: Hours, reading: Reading
) -> TimeToLimit:
    # The hour that is not over may still get its peak; settings are read from before the start.
    end_ms = reading.scope.end_ms - reading.scope.end_ms % HOUR_MS
    known = hours.limit[~np.isnan(hours.limit) & (hours.starts_ms < end_ms)]
    return TimeToLimit(
        of,
        resource,
        direction.lower(),
        limited_by,
        float(known[-1]) if len(known) else None,
        project(hours, reading.scope.start_ms, end_ms),
    )


def _place(each: TimeToLimit) -> tuple[object, ...]:
    found = each.projection
    return (
        (Outcome.REACHED, Outcome.PROJECTED).index(found.outcome)
        if found.outcome in (Outcome.REACHED, Outcome.PROJECTED)
        else 2,
        found.reached_ms or 0,
        0.0 if found.peak is None else -found.peak,
        each.resource,
        each.of,
        each.direction,
    )
