"""What there is in the database, from an id on: what a process keeps an index of.

Ids are given out in the order in which they are committed (``app.storage.registration``), so that
what was not there before has a greater id than all that was.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from app.catalog import SeriesIdentity
from app.labels import LabelSet
from app.mal import Entity
from app.storage.columns import fetch
from app.storage.entities import entity_of, labels_of
from app.storage.series import IDENTITY, identity_of
from app.storage.tables import entity, label_set, series


@dataclass(frozen=True, slots=True)
class SeriesSort:
    """That series of a namespace, metric, unit and kind exist, and the greatest id of them."""

    namespace: str
    metric: str
    unit: str
    kind: str
    newest_id: int


def read_series_sorts(connection: sa.Connection, after: int) -> list[SeriesSort]:
    """The sorts of the series with greater ids than ``after``."""
    columns = series.c.namespace, series.c.metric, series.c.unit, series.c.kind
    if after <= 0:
        every = sa.select(*columns, sa.func.max(series.c.series_id)).group_by(*columns)
        return [SeriesSort(*row) for row in connection.execute(every)]
    # Grouped here: for a GROUP BY, SQLite would walk over the index of all series.
    rows = fetch(connection, _NEW_SERIES, {"after": after})
    newest = {row[:4]: SeriesSort(*row) for row in rows}
    return list(newest.values())


def read_series_of_metric(
    connection: sa.Connection, namespace: str, metric: str, after: int
) -> list[tuple[int, SeriesIdentity]]:
    """Ids and identities of a metric's series with greater ids than ``after``, ascending."""
    query = (
        sa.select(*IDENTITY)
        .where(
            series.c.namespace == namespace,
            series.c.metric == metric,
            series.c.series_id > after,
        )
        .order_by(series.c.series_id)
    )
    return [(row[0], identity_of(row)) for row in connection.execute(query)]


def read_entities_after(connection: sa.Connection, after: int) -> list[tuple[int, Entity]]:
    """Entities with greater ids than ``after``, ascending."""
    query = sa.select(entity).where(entity.c.entity_id > after).order_by(entity.c.entity_id)
    return [(row.entity_id, entity_of(row)) for row in connection.execute(query)]


def read_label_sets_after(connection: sa.Connection, after: int) -> list[tuple[int, LabelSet]]:
    """Label sets with greater ids than ``after``, ascending."""
    query = (
        sa.select(label_set.c.label_set_id, label_set.c.labels)
        .where(label_set.c.label_set_id > after)
        .order_by(label_set.c.label_set_id)
    )
    return [(number, labels_of(text)) for number, text in connection.execute(query)]


_NEW_SERIES = sa.text(
    "SELECT namespace, metric, unit, kind, series_id FROM series WHERE series_id > :after"
    " ORDER BY series_id"
)
