"""Which metrics have values in a minute or a bucket."""

import sqlalchemy as sa

from app.storage.array_columns import array_length, fetch_encoded, length_of
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_values import metrics_of_packed_hour, packed_sizes
from app.storage.tiers import VALUES, Tier


def metrics_of_bucket(connection: sa.Connection, tier: Tier, bucket: int) -> dict[int, int]:
    """The metrics that may have values in a bucket, as stored or in its minutes, ascending.

    Of each the number of its series, roughly.
    """
    found = dict.fromkeys(metrics_of_minute(connection, tier, bucket), 0)
    hour = Tier.HOUR.bucket(bucket)
    for metric_id, keys in packed_sizes(connection, hour).items():
        found[metric_id] = max(keys, found.get(metric_id, 0))
    query = (
        f"SELECT metric_id, {length_of(connection, 'entity_id')} FROM metric_value"  # noqa: S608 - a name
        " WHERE minute >= ? AND minute < ?"
    )
    rows = fetch_encoded(connection, query, (bucket, bucket + tier))
    for metric_id, length in rows:
        found[metric_id] = max(array_length(length), found.get(metric_id, 0))
    return dict(sorted(found.items()))


def metrics_of_minute(connection: sa.Connection, tier: Tier, minute: int) -> list[int]:
    """Metrics with values in a tier under a minute, ascending.

    Of a minute of a packed hour those of the hour.
    """
    found = set(connection.execute(_METRICS[tier], {"minute": minute}).scalars())
    if tier is Tier.MINUTE and read_packed_hours(connection, minute, minute + 1):
        found |= metrics_of_packed_hour(connection, Tier.HOUR.bucket(minute))
    return sorted(found)


_METRICS = {
    tier: sa.text(f"SELECT metric_id FROM {table.name} WHERE minute = :minute")  # noqa: S608 - constants
    for tier, table in VALUES.items()
}
