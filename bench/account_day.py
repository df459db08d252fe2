"""Hours of minutes of a whole DynamoDB account, straight into a database, up to now."""

from collections.abc import Iterator

import numpy as np

from app.catalog import SeriesIdentity
from app.clock import MILLISECONDS_PER_MINUTE, SystemClock
from app.mal import Entity, Scope
from app.pipeline import Holder, Lease, Rollups
from app.storage import Connection, Store, StoredPoints, Tier, register_entities
from app.storage.point_batches import write_batches
from app.storage.rollup_marks import mark_rollups
from app.storage.series import register_series

ACCOUNT = "118736666877"
REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
OPERATIONS = ("GetItem", "PutItem", "Query")
SAMPLED_MINUTES = 5
_INDEX_EVERY, _THROTTLED_EVERY = 4, 100
_SETTLING = {Tier.FIVE_MINUTES: 120, Tier.HOUR: 600}
_SETTINGS = ("ProvisionedReadCapacityUnits", "ProvisionedWriteCapacityUnits")


def fill_account(store: Store, tables: int, hours: int) -> tuple[int, int]:
    """Write the minutes of ``hours`` before now; returns the first and the end, since the epoch.

    Every other table is provisioned, every fourth has an index, every hundredth throttles now and
    then. What has settled is rolled up.
    """
    end = SystemClock().now_ms() // MILLISECONDS_PER_MINUTE
    first = end - hours * 60
    first -= first % int(Tier.HOUR)
    identities = [each for number in range(tables) for each in _of_table(number)]
    identities += [_identity(REGIONS[0], metric) for metric in _of_account()]
    ids = np.array(store.write(lambda c: register_series(c, identities)), np.int64)
    entities = [_entity(number) for number in range(tables)]
    store.write(lambda c: register_entities(c, entities))
    order = np.argsort(ids)
    sampled = np.array([_is_sampled(each.metric) for each in identities])[order]
    rare = np.array(["Throttle" in each.metric for each in identities])[order]
    ids = ids[order]
    generator = np.random.default_rng(1)
    for minute in range(first, end):
        present = np.where(sampled, minute % SAMPLED_MINUTES == 0, ~rare | (minute % 20 < 3))
        stored = _points(minute, ids[present], sampled[present], generator)

        def write(
            connection: Connection, minute: int = minute, stored: StoredPoints = stored
        ) -> None:
            write_batches(connection, stored)
            mark_rollups(connection, minute)

        store.write(write)
    _roll_up(store)
    return first, end


def _roll_up(store: Store) -> None:
    def forget(connection: Connection) -> None:
        # There are no rules, so that no minute has to be evaluated.
        connection.exec_driver_sql("DELETE FROM dirty_minute")

    store.write(forget)
    clock = SystemClock()
    lease = Lease(store, clock, Holder.this_process(), seconds=3_600)
    lease.look()
    rollups = Rollups(store, dict, clock, lease, settling_seconds=_SETTLING)
    while rollups.run_once():
        lease.look()
    lease.give_up()


def _points(
    minute: int, ids: np.ndarray, sampled: np.ndarray, generator: np.random.Generator
) -> StoredPoints:
    """Settings are the same all the time; all else changes from minute to minute."""
    size = len(ids)
    count = np.where(sampled, 1.0, generator.integers(1, 100, size))
    total = np.where(sampled, 20.0 + ids % 80, np.rint(count * generator.random(size) * 40) / 2)
    zeros = np.zeros(size, np.int64)
    return StoredPoints(
        np.full(size, minute),
        ids,
        zeros,
        zeros + MILLISECONDS_PER_MINUTE,
        count,
        total,
        total / count,
        np.where(sampled, total, total / count + 1),
        np.zeros(size, np.bool_),
    )


def _of_table(number: int) -> Iterator[SeriesIdentity]:
    region = REGIONS[number % len(REGIONS)]
    table = ("TableName", f"table-{number:04d}")
    consumed = ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
    metrics = [*consumed, *(_SETTINGS if number % 2 else ())]
    for metric in metrics:
        yield _identity(region, metric, table)
        if number % _INDEX_EVERY == 0:
            yield _identity(region, metric, ("GlobalSecondaryIndexName", "by-time"), table)
    for operation in OPERATIONS:
        yield _identity(region, "SuccessfulRequestLatency", ("Operation", operation), table)
    yield _identity(region, "ReturnedItemCount", ("Operation", "Query"), table)
    if number % _THROTTLED_EVERY == 0:
        yield _identity(region, "WriteThrottleEvents", table)
        yield _identity(region, "ThrottledRequests", ("Operation", "PutItem"), table)


def _entity(number: int) -> Entity:
    """What rules make of a table."""
    return Entity(
        Scope.ENDPOINT,
        "AWS_DYNAMODB",
        f"aws-dynamodb::{ACCOUNT}",
        endpoint=f"table-{number:04d}",
        region=REGIONS[number % len(REGIONS)],
    )


def _of_account() -> tuple[str, ...]:
    return (
        "UserErrors",
        *(f"AccountMax{each}" for each in ("Reads", "Writes")),
        *(f"AccountMaxTableLevel{each}" for each in ("Reads", "Writes")),
    )


def _identity(region: str, metric: str, *dimensions: tuple[str, str]) -> SeriesIdentity:
    unit = "Milliseconds" if metric.endswith("Latency") else "Count"
    return SeriesIdentity(ACCOUNT, region, "AWS/DynamoDB", metric, dimensions, unit)


def _is_sampled(metric: str) -> bool:
    return metric in _SETTINGS or metric.startswith("AccountMax")
