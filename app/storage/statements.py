"""The upserts, as text that both databases understand."""

from typing import NamedTuple


class Upsert(NamedTuple):
    """A table's columns with their PostgreSQL types, key first, and what a known key leads to."""

    table: str
    types: dict[str, str]
    conflict: str

    @property
    def key(self) -> str:
        """The column of the key."""
        return self.columns[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order in which their values are given."""
        return tuple(self.types)

    def insert(self, source: str) -> str:
        """The statement, with ``VALUES (…)`` or a query as its source."""
        return f"INSERT INTO {self.table} ({', '.join(self.types)}) {source} {self.conflict}"


INSERT_SERIES = Upsert(
    "series",
    {
        "digest": "bytea",
        "account": "text",
        "region": "text",
        "namespace": "text",
        "metric": "text",
        "dimensions": "text",
        "unit": "text",
        "kind": "text",
    },
    "ON CONFLICT DO NOTHING",
)
"""Insert series; those whose digest exists already are left as they are."""

INSERT_ENTITIES = Upsert(
    "entity",
    {
        "digest": "bytea",
        "scope": "text",
        "layer": "text",
        "service": "text",
        "instance": "text",
        "endpoint": "text",
        "process": "text",
        "region": "text",
        "dest_service": "text",
        "dest_instance": "text",
        "dest_process": "text",
        "detect_point": "text",
        "component": "int4",
        "properties": "text",
    },
    "ON CONFLICT DO NOTHING",
)
"""Insert entities; those whose digest exists already are left as they are."""

INSERT_LABEL_SETS = Upsert(
    "label_set", {"digest": "bytea", "labels": "text"}, "ON CONFLICT DO NOTHING"
)
"""Insert label sets; those whose digest exists already are left as they are."""
