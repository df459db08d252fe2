"""Series in SQL: registration, identities, search."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from app.catalog import SeriesIdentity
from app.catalog.identity import Dimensions, Head, digests_of
from app.storage.bulk import Column, bulk_insert
from app.storage.chunks import chunked
from app.storage.digests import find_unless_new
from app.storage.registration import register
from app.storage.statements import INSERT_SERIES
from app.storage.tables import series


def register_series(connection: sa.Connection, identities: Sequence[SeriesIdentity]) -> list[int]:
    """Ids of the series, in order; those that are new are inserted in this transaction."""
    digests = digests_of(identities)
    by_digest = dict(zip(digests, identities, strict=True))

    def find(digests: Collection[bytes]) -> dict[bytes, int]:
        return find_unless_new(connection, series, list(digests))

    def insert(missing: Sequence[bytes]) -> list[int]:
        ids: list[int] = []
        for chunk in chunked(missing, 20_000):
            columns = _columns(chunk, [by_digest[digest] for digest in chunk])
            ids += bulk_insert(connection, INSERT_SERIES, columns)
        return ids if len(ids) == len(missing) else []

    # In one order for all, so that no two wait for each other, and that indexes grow in order.
    ids = register(connection, series, sorted(by_digest), find, insert)
    return [ids[digest] for digest in digests]


def read_identities(
    connection: sa.Connection, series_ids: Sequence[int]
) -> dict[int, SeriesIdentity]:
    """Identities by id."""
    found: dict[int, SeriesIdentity] = {}
    query = _BY_ID[connection.dialect.name]
    for chunk in chunked(series_ids, _IDS_AT_ONCE):
        ids = f"[{','.join(map(str, chunk))}]"
        found.update((row[0], identity_of(row)) for row in connection.execute(query, {"ids": ids}))
    return found


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """Conditions on series; None means any. All of ``dimensions`` must be present."""

    namespace: str | None = None
    metric: str | None = None
    account: str | None = None
    region: str | None = None
    dimensions: tuple[tuple[str, str], ...] = ()

    def matches(self, identity: SeriesIdentity) -> bool:
        """Whether the dimensions are those asked for."""
        return all(pair in identity.dimensions for pair in self.dimensions)


def search_series(
    connection: sa.Connection, wanted: SeriesFilter
) -> list[tuple[int, SeriesIdentity]]:
    """Ids and identities of matching series, in the order of their identity."""
    query = sa.select(*IDENTITY)
    for column, value in (
        (series.c.namespace, wanted.namespace),
        (series.c.metric, wanted.metric),
        (series.c.account, wanted.account),
        (series.c.region, wanted.region),
    ):
        if value is not None:
            query = query.where(column == value)
    for name, value in wanted.dimensions:
        # Narrows the search; the exact comparison is done on the decoded identity.
        member = f"{_json_text(name)}:{_json_text(value)}"
        query = query.where(series.c.dimensions.contains(member, autoescape=True))
    found = [(row[0], identity_of(row)) for row in connection.execute(query)]
    matching = [item for item in found if wanted.matches(item[1])]
    return sorted(matching, key=lambda item: series_order(item[1]))


def list_metrics(connection: sa.Connection) -> list[tuple[str, str, str]]:
    """The (namespace, metric, kind) that series have, in order."""
    columns = series.c.namespace, series.c.metric, series.c.kind
    rows = connection.execute(sa.select(*columns).distinct())
    return sorted((namespace, metric, kind) for namespace, metric, kind in rows)


def units_of_metrics(connection: sa.Connection) -> dict[tuple[str, str], frozenset[str]]:
    """The units of CloudWatch's series by namespace and metric."""
    columns = series.c.namespace, series.c.metric, series.c.unit
    found: dict[tuple[str, str], set[str]] = {}
    query = sa.select(*columns).where(series.c.kind == "summary").distinct()
    for namespace, metric, unit in connection.execute(query):
        found.setdefault((namespace, metric), set()).add(unit)
    return {name: frozenset(units) for name, units in found.items()}


IDENTITY = (
    series.c.series_id,
    series.c.account,
    series.c.region,
    series.c.namespace,
    series.c.metric,
    series.c.dimensions,
    series.c.unit,
    series.c.kind,
)
"""The columns of which ``identity_of`` makes an identity, the id before them."""


_IDS_AT_ONCE = 10_000
# The ids go as one text of JSON, the form in which both databases take a list as one parameter.
_BY_ID = {
    "sqlite": sa.select(*IDENTITY).where(
        series.c.series_id.in_(sa.text("SELECT value FROM json_each(:ids)"))
    ),
    "postgresql": sa.select(*IDENTITY).where(
        sa.text(
            "series_id = ANY (ARRAY (SELECT CAST(value AS int4)"
            " FROM json_array_elements_text(CAST(:ids AS json))))"
        )
    ),
}


_read_dimensions = msgspec.json.Decoder(dict[str, str]).decode

# What many series share there is once, as in those that deliveries named.
_head_of = lru_cache(4_096)(Head)


def identity_of(row: Any) -> SeriesIdentity:  # noqa: ANN401 - a row of IDENTITY
    """The identity of a row that has the columns of ``IDENTITY``."""
    _, account, region, namespace, metric, dimensions, unit, kind = row
    head = _head_of((account, region, namespace, metric, unit, kind))
    pairs = sorted(_read_dimensions(dimensions).items())
    return SeriesIdentity.of(head, Dimensions(tuple(pairs)))


def _columns(digests: Sequence[bytes], identities: Sequence[SeriesIdentity]) -> list[Column]:
    """In the order of ``INSERT_SERIES``."""
    heads = [head.texts for head, _ in identities]
    account, region, namespace, metric, unit, kind = zip(*heads, strict=True)
    dimensions = [dimensions.object for _, dimensions in identities]
    return [digests, account, region, namespace, metric, dimensions, unit, kind]


def series_order(identity: SeriesIdentity) -> tuple[object, ...]:
    """What series are listed by: all that makes one, so that no two are equal."""
    return (
        identity.account,
        identity.region,
        identity.namespace,
        identity.metric,
        identity.dimensions,
        identity.unit,
        identity.kind,
    )


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
