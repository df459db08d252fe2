"""``PrometheusData``: opens the database for one query or one list."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.query.prometheus.catalog import PrometheusCatalog
from app.query.prometheus.entity_index import EntityIndex
from app.query.prometheus.metric_reader import MetricReader, metrics_by_name
from app.query.prometheus.raw_reader import RawReader
from app.query.prometheus.series_index import SeriesIndex
from app.query.prometheus.stored_reader import StoredReader
from app.rules import MetricDefinition
from app.storage import Connection, Deadline, Store, metric_ids


@dataclass(frozen=True, slots=True)
class _Indexes:
    """What has been learnt of one database."""

    series: SeriesIndex = field(default_factory=SeriesIndex)
    entities: EntityIndex = field(default_factory=EntityIndex)


@dataclass(frozen=True, slots=True)
class Opened:
    """One transaction: a reader for the engine, the catalogue, and what both read on."""

    connection: Connection
    reader: StoredReader
    catalog: PrometheusCatalog


class PrometheusData:
    """Thread-safe; made once, as it remembers which series there are.

    ``definitions`` gives the metrics by name as the rules in force define them.
    """

    def __init__(
        self, store: Store, definitions: Callable[[], Mapping[str, MetricDefinition]]
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._indexes = _Indexes()
        store.on_new_database(self._forget)

    @contextmanager
    def open(self, deadline: Deadline | None = None, *, reserved: bool = False) -> Iterator[Opened]:
        """A transaction in which to read. Raises ``StorageUnavailable``.

        What is read and listed in it ends at the deadline, with ``QueryTimeout`` or what else the
        deadline raises. ``reserved`` as for ``Store.read``.
        """
        # Before the connection: what is read of a database that is being turned away from must not
        # get into the indexes of the next one.
        indexes = self._indexes
        with self._store.read(reserved=reserved, deadline=deadline) as connection:
            yield self._opened(connection, indexes, deadline)

    def _opened(
        self, connection: Connection, indexes: _Indexes, deadline: Deadline | None
    ) -> Opened:
        metrics = metrics_by_name(metric_ids(connection), self._definitions())
        raw = RawReader(connection, indexes.series, frozenset(metrics))
        reader = MetricReader(connection, indexes.entities, metrics)
        return Opened(
            connection,
            StoredReader(connection, raw, reader),
            PrometheusCatalog(connection, raw, reader, metrics, deadline),
        )

    def _forget(self) -> None:
        self._indexes = _Indexes()
