"""Entities, label sets and metric names in SQL: the small tables around the values."""

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from app.catalog.identity import DIGEST_BYTES
from app.mal import Entity, Scope
from app.mal.emission import LabelSet
from app.storage.chunks import chunked
from app.storage.dialects import insert_into
from app.storage.tables import entity, label_set, metric
from app.storage.text import storable


def register_entities(connection: sa.Connection, entities: Sequence[Entity]) -> dict[Entity, int]:
    """Ids of entities; new ones are inserted in this transaction."""
    _insert(connection, entity, [_entity_row(item) for item in entities])
    found: dict[Entity, int] = {}
    wanted = set(entities)
    for services in chunked(sorted({storable(item.service) for item in entities}), 500):
        query = sa.select(entity).where(entity.c.service.in_(services))
        for row in connection.execute(query):
            known = entity_of(row)
            if known in wanted:
                found[known] = row.entity_id
    return found


def register_label_sets(
    connection: sa.Connection, label_sets: Sequence[LabelSet]
) -> dict[LabelSet, int]:
    """Ids of label sets; new ones are inserted in this transaction."""
    by_digest = {_digest(labels): labels for labels in label_sets}
    rows = [
        {"digest": digest, "labels": storable(_labels_json(labels))}
        for digest, labels in by_digest.items()
    ]
    _insert(connection, label_set, rows)
    found: dict[LabelSet, int] = {}
    for digests in chunked(list(by_digest), 500):
        query = sa.select(label_set.c.digest, label_set.c.label_set_id)
        for digest, number in connection.execute(query.where(label_set.c.digest.in_(digests))):
            found[by_digest[bytes(digest)]] = number
    return found


def register_metrics(connection: sa.Connection, names: Sequence[str]) -> dict[str, int]:
    """Ids of metric names; new ones are inserted in this transaction."""
    _insert(connection, metric, [{"name": name} for name in names])
    return metric_ids(connection)


def metric_ids(connection: sa.Connection) -> dict[str, int]:
    """Ids of all metrics that have ever had a rule."""
    query = sa.select(metric.c.name, metric.c.metric_id)
    return {name: number for name, number in connection.execute(query)}  # noqa: C416 - typed rows


def search_entities(
    connection: sa.Connection,
    *,
    scope: Scope | None = None,
    layer: str | None = None,
    service: str | None = None,
    endpoint: str | None = None,
    region: str | None = None,
) -> dict[int, Entity]:
    """Entities by id, in the order of layer, service, endpoint and region."""
    query = sa.select(entity)
    conditions = (
        (entity.c.scope, scope),
        (entity.c.layer, layer),
        (entity.c.service, service),
        (entity.c.endpoint, endpoint),
        (entity.c.region, region),
    )
    for column, value in conditions:
        if value is not None:
            query = query.where(column == str(value))
    found = [(row.entity_id, entity_of(row)) for row in connection.execute(query)]
    return dict(sorted(found, key=lambda item: _order(item[1])))


def read_label_sets(connection: sa.Connection, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Label sets by id."""
    found: dict[int, dict[str, str]] = {}
    for chunk in chunked(ids, 500):
        query = sa.select(label_set.c.label_set_id, label_set.c.labels)
        for number, labels in connection.execute(query.where(label_set.c.label_set_id.in_(chunk))):
            found[number] = json.loads(labels)
    return found


def entity_of(row: sa.Row[Any]) -> Entity:
    """The entity of a row of the table."""
    return Entity(Scope(row.scope), row.layer, row.service, row.endpoint, row.region)


def _entity_row(item: Entity) -> dict[str, str]:
    return {
        "scope": item.scope.value,
        "layer": item.layer,
        "service": item.service,
        "endpoint": item.endpoint,
        "region": item.region,
    }


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that do not exist; another process may be inserting the same ones."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: str(sorted(row.items())))
    connection.execute(insert_into(connection, table).on_conflict_do_nothing(), ordered)


def _labels_json(labels: LabelSet) -> str:
    return json.dumps(dict(labels), ensure_ascii=False, separators=(",", ":"))


def _digest(labels: LabelSet) -> bytes:
    return blake2b(_labels_json(labels).encode(), digest_size=DIGEST_BYTES).digest()


def _order(item: Entity) -> tuple[str, ...]:
    return item.layer, item.service, item.endpoint, item.region, item.scope.value
