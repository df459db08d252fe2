"""What the routes work with."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.clock import Clock
from app.firehose import AccessKeys
from app.pipeline import Ingest
from app.rules import MetricDefinition
from app.storage import Store


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Built once by ``app.main``; everything in it may be used from several threads."""

    store: Store
    ingest: Ingest
    definitions: Mapping[str, MetricDefinition]
    access_keys: AccessKeys
    clock: Clock
    query_max_points: int
    concurrent_deliveries: int
    body_memory_bytes: int
