"""Entities, label sets and metric names in SQL: the small tables around the values."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from app.catalog.identity import DIGEST_BYTES
from app.labels import LabelSet
from app.mal import Entity, Scope
from app.storage.bulk import Column, bulk_insert
from app.storage.chunks import chunked
from app.storage.dialects import insert_into
from app.storage.digests import find_unless_new
from app.storage.registration import register
from app.storage.statements import INSERT_ENTITIES, INSERT_LABEL_SETS
from app.storage.tables import entity, label_set, metric
from app.storage.text import storable, storable_column

_compact_json = msgspec.json.Encoder().encode


def register_entities(
    connection: sa.Connection,
    entities: Sequence[Entity],
    properties: Mapping[Entity, Mapping[str, str]] | None = None,
) -> dict[Entity, int]:
    """Ids of entities; new ones are inserted in this transaction.

    ``properties`` describe entities without being part of what they are; those of an entity that
    is given some replace what is stored.
    """
    by_digest = {_entity_digest(item): item for item in entities}

    def insert(digests: Sequence[bytes]) -> Sequence[int]:
        return bulk_insert(connection, INSERT_ENTITIES, _entity_columns(digests, by_digest))

    ids = _register(connection, entity, by_digest, insert)
    found = {by_digest[digest]: number for digest, number in ids.items()}
    if properties:
        _update_properties(
            connection, {found[item]: given for item, given in properties.items() if item in found}
        )
    return found


def _update_properties(
    connection: sa.Connection, properties: Mapping[int, Mapping[str, str]]
) -> None:
    statement = (
        sa.update(entity)
        .where(
            entity.c.entity_id == sa.bindparam("id"),
            entity.c.properties != sa.bindparam("new"),
        )
        .values(properties=sa.bindparam("new"))
    )
    rows = [
        {"id": number, "new": storable(_json(dict(sorted(given.items()))))}
        for number, given in sorted(properties.items())
    ]
    if rows:
        connection.execute(statement, rows)


def register_label_sets(
    connection: sa.Connection, label_sets: Sequence[LabelSet]
) -> dict[LabelSet, int]:
    """Ids of label sets; new ones are inserted in this transaction."""
    by_digest = {_digest(_json(dict(labels))): labels for labels in label_sets}

    def insert(digests: Sequence[bytes]) -> Sequence[int]:
        texts = storable_column(_json(dict(by_digest[digest])) for digest in digests)
        return bulk_insert(connection, INSERT_LABEL_SETS, [list(digests), texts])

    ids = _register(connection, label_set, by_digest, insert)
    return {by_digest[digest]: number for digest, number in ids.items()}


def register_metrics(connection: sa.Connection, names: Sequence[str]) -> dict[str, int]:
    """Ids of metric names; new ones are inserted in this transaction."""

    def insert(missing: Sequence[str]) -> tuple[()]:
        known = metric_ids(connection)
        _insert(connection, metric, [{"name": name} for name in missing if name not in known])
        return ()

    register(connection, metric, names, lambda _: metric_ids(connection), insert)
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
    instance: str | None = None,
    endpoint: str | None = None,
    process: str | None = None,
    region: str | None = None,
    dest_service: str | None = None,
    dest_instance: str | None = None,
    dest_process: str | None = None,
) -> dict[int, Entity]:
    """Entities by id, in the order of what they are; None means any."""
    query = sa.select(entity)
    conditions = (
        (entity.c.scope, scope),
        (entity.c.layer, layer),
        (entity.c.service, service),
        (entity.c.instance, instance),
        (entity.c.endpoint, endpoint),
        (entity.c.process, process),
        (entity.c.region, region),
        (entity.c.dest_service, dest_service),
        (entity.c.dest_instance, dest_instance),
        (entity.c.dest_process, dest_process),
    )
    for column, value in conditions:
        if value is not None:
            query = query.where(column == str(value))
    found = [(row.entity_id, entity_of(row)) for row in connection.execute(query)]
    return dict(sorted(found, key=lambda item: entity_order(item[1])))


def read_properties(connection: sa.Connection, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Properties of entities by id."""
    found: dict[int, dict[str, str]] = {}
    for chunk in chunked(ids, 500):
        query = sa.select(entity.c.entity_id, entity.c.properties)
        for number, properties in connection.execute(query.where(entity.c.entity_id.in_(chunk))):
            found[number] = json.loads(properties)
    return found


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
    return Entity(
        Scope(row.scope),
        row.layer,
        row.service,
        row.endpoint,
        row.region,
        row.instance,
        row.process,
        row.dest_service,
        row.dest_instance,
        row.dest_process,
        row.detect_point,
        row.component,
    )


def labels_of(text: str) -> LabelSet:
    """The labels of a row of the table of label sets."""
    return tuple(sorted(json.loads(text).items()))


_TEXTS = (
    "scope",
    "layer",
    "service",
    "instance",
    "endpoint",
    "process",
    "region",
    "dest_service",
    "dest_instance",
    "dest_process",
    "detect_point",
)
"""Parts of an entity in the order of its canonical form, which the component closes."""


_texts_of = attrgetter(*_TEXTS)


def _entity_columns(digests: Collection[bytes], by_digest: Mapping[bytes, Entity]) -> list[Column]:
    """In the order of ``INSERT_ENTITIES``."""
    items = [by_digest[digest] for digest in digests]
    texts = zip(*map(_texts_of, items), strict=True)
    return [
        list(digests),
        *map(storable_column, texts),
        np.array([item.component for item in items], np.int64),
        ["{}"] * len(items),
    ]


def _entity_digest(item: Entity) -> bytes:
    return _digest(_json((*_texts_of(item), item.component)))


def _register(
    connection: sa.Connection,
    table: sa.Table,
    digests: Iterable[bytes],
    insert: Callable[[Sequence[bytes]], Sequence[int]],
) -> dict[bytes, int]:
    """Ids of a table's rows by digest, inserted in one order by everybody."""

    def find(some: Collection[bytes]) -> dict[bytes, int]:
        return find_unless_new(connection, table, list(some))

    return register(connection, table, sorted(digests), find, insert)


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that do not exist; another process may be inserting the same ones."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: str(sorted(row.items())))
    connection.execute(insert_into(connection, table).on_conflict_do_nothing(), ordered)


def _json(value: object) -> str:
    try:
        return _compact_json(value).decode()
    except UnicodeEncodeError:
        # Names may hold lone surrogates, which only the slower encoder lets through.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _digest(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return blake2b(encoded, digest_size=DIGEST_BYTES).digest()


def entity_order(item: Entity) -> tuple[object, ...]:
    """What entities are listed by: all that makes one, so that no two are equal."""
    return (
        item.layer,
        item.service,
        item.endpoint,
        item.region,
        item.scope.value,
        item.instance,
        item.process,
        item.dest_service,
        item.dest_instance,
        item.dest_process,
        item.detect_point,
        item.component,
    )
