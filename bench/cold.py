"""``python -m bench.cold``: CPU seconds and memory of getting to know series and targets.

The series of a simulated account are named by the raw bytes of one minute's deliveries. They are
described, registered and learnt, all of them new; then once more by a process that knows nothing
while the database has them all, as after a restart; and their identities are read back, which the
rules ask for. The targets are those of the shipped rules in number and kind: to each table a few
entities, under each of ``--rules`` rules anew, with a few label sets.

CPU seconds are those of this process; PostgreSQL's own, which must be on this machine, stand apart.
"""

import argparse
import gc
import platform
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from app.arrays import FloatArray
from app.catalog import KnownSeries, SeriesRegistry, describe
from app.labels import LabelSet
from app.mal import Entity, Scope
from app.mal.emission import Outputs
from app.mal.targets import EntityNumbers, Targets
from app.mal.vocabulary import Vocabulary
from app.otlp import BatchBuilder, NewSeries, RawSeries, decode_record
from app.otlp.decoder import NativeTable
from app.pipeline.targets import TargetIds
from app.rules import MetricValues
from app.simulator import AccountModel, Format, encode_records
from app.storage import Connection, Store, read_identities
from app.storage.series import register_series
from bench.prepared import START_MS
from bench.processes import usage

_SERIES_PER_TABLE = 11.3
_VALUES_PER_SERIES = 3.9
_CHUNK = 3_500
"""New series to a request of 1 MiB."""
Row = tuple[str, float, float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table in Markdown."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as directory:
        store = Store(options.database or f"sqlite:///{directory}/hydrant.db")
        try:
            store.migrate()
            rows, series, memory = _series(store, options)
            values = _metric_values(round(series * _VALUES_PER_SERIES), options.rules)
            rows += _targets(store, values)
        finally:
            store.close()
        print(
            f"{series:,} series, {options.format}, {store.description.partition(':')[0]},"
            f" Python {platform.python_version()}\n"
        )
    print("| step | CPU s | µs per series | µs of PostgreSQL |")
    print("|---|---:|---:|---:|")
    for name, client, server in rows:
        print(
            f"| {name} | {client:.3f} | {client / series * 1e6:.2f} | {server / series * 1e6:.2f} |"
        )
    if memory:
        sizes = ", ".join(f"{name} {size / series:,.0f} bytes" for name, size in memory)
        print(f"\nMemory per series: {sizes}.")


class _Capture:
    """A table of slots that keeps what names the series."""

    def __init__(self) -> None:
        self.slots: dict[RawSeries, int] = {}
        # The reference is to read: it hands over each series by itself.
        self.native: NativeTable | None = None

    def slot(self, raw: RawSeries) -> int:
        return self.slots.setdefault(raw, len(self.slots))

    def meet(self, new: NewSeries) -> None:
        raise AssertionError(f"the reference met {len(new)} series together")

    def allowed(self) -> bytes | None:
        return None

    def is_cloudwatch(self, _slot: int) -> bool:
        return True


def _raw_series(count: int, format_: Format) -> list[RawSeries]:
    """The names of about so many series, as a decoder hands them over."""
    model = AccountModel(tables=max(1, round(count / _SERIES_PER_TABLE)))
    keys = _Capture()
    builder = BatchBuilder()
    for record in encode_records(model.points(START_MS), format_):
        decode_record(0, record, keys, builder)
    return list(keys.slots)


def _series(
    store: Store, options: argparse.Namespace
) -> tuple[list[Row], int, list[tuple[str, int]]]:
    raws = _raw_series(options.series, Format(options.format))
    gc.collect()
    rows: list[Row] = []
    with _row("describe alone", store, rows):
        for raw in raws:
            describe(raw)
    registries = []
    ids: list[int] = []
    for name in "new series", "after a restart":
        registry = SeriesRegistry()
        registries.append(registry)
        # Other bytes at other places, as from another process.
        fresh = [RawSeries(*(_copied(part) for part in raw)) for raw in raws]
        known = registry.known
        slots = []
        with _row(f"{name}: slots and descriptions", store, rows):
            slots = [known.keys.slot(raw) for raw in fresh]
        with _row(f"{name}: ids, requests of {_CHUNK:,}", store, rows):
            ids = _learn(store, registry, known, slots)
        with _row(f"{name}: identities handed over", store, rows):
            registry.take_identities(ids, lambda missing: _read(store, missing))
    with _row("identities read back", store, rows):
        registries[0].take_identities(ids, lambda missing: _read(store, missing))
    memory = _memory(raws, store) if options.memory else []
    return rows, len(raws), memory


def _copied(part: Any) -> Any:  # noqa: ANN401 - a part of any type
    if isinstance(part, bytes):
        return bytes(bytearray(part))
    return tuple(map(_copied, part)) if isinstance(part, tuple) else part


def _learn(
    store: Store, registry: SeriesRegistry, known: KnownSeries, slots: list[int]
) -> list[int]:
    ids: list[int] = []
    for first in range(0, len(slots), _CHUNK):
        chunk = np.array(slots[first : first + _CHUNK], np.int64)
        resolution = store.write(
            lambda c, chunk=chunk: known.resolve(chunk, lambda new: register_series(c, new))  # type: ignore[misc]
        )
        registry.learn(known, resolution)
        ids += resolution.series_id.tolist()
    return ids


def _read(store: Store, missing: Sequence[int]) -> Any:  # noqa: ANN401 - identities by id
    with store.read() as connection:
        return read_identities(connection, missing)


def _memory(raws: list[RawSeries], store: Store) -> list[tuple[str, int]]:
    """Resident memory of a table of series, before and after their identities are taken."""
    registry = SeriesRegistry()
    known = registry.known
    fresh = [RawSeries(*(_copied(part) for part in raw)) for raw in raws]
    gc.collect()
    traced = _Resident()
    slots = [known.keys.slot(raw) for raw in fresh]
    described = traced.grown()
    ids = _learn(store, registry, known, slots)
    registry.take_identities(ids, lambda missing: _read(store, missing))
    del slots, ids
    gc.collect()
    kept = traced.grown()
    traced.stop()
    return [("with identities", described), ("without them", kept)]


class _Resident:
    def __init__(self) -> None:
        tracemalloc.start()

    def grown(self) -> int:
        return tracemalloc.get_traced_memory()[0]

    def stop(self) -> None:
        tracemalloc.stop()


def _targets(store: Store, values: list[MetricValues]) -> list[Row]:
    rows: list[Row] = []
    for name in "targets: all new", "targets: a new engine":
        targets = TargetIds()
        with _row(name, store, rows):
            # A minute comes in many requests: half of the targets are new in the second part.
            for part in (_half(values), values):
                _learn_targets(store, targets, part)
        with _row(f"{name}, known now", store, rows):
            _learn_targets(store, targets, values)
    return rows


def _learn_targets(store: Store, targets: TargetIds, values: list[MetricValues]) -> None:
    new = store.write(lambda c: targets.register(c, values))
    for of_metric in values:
        targets.ids(of_metric.rule, of_metric.outputs.row, new)
    targets.learn(new)


def _metric_values(count: int, rules: int) -> list[MetricValues]:
    per_rule = max(1, count // rules)
    made = []
    entities, words = EntityNumbers(), Vocabulary()
    for rule in range(rules):
        rows = _targets_of(rule, per_rule, entities, words)
        row = np.arange(per_rule)
        nothing: FloatArray = np.full(per_rule, np.nan, np.float64)
        made.append(
            MetricValues(
                None,  # type: ignore[arg-type]
                rule,
                rows,
                Outputs(row, nothing, nothing, nothing),
                {},
            )
        )
    return made


def _half(values: list[MetricValues]) -> list[MetricValues]:
    return [
        MetricValues(
            v.definition,
            v.rule,
            v.targets,
            _first_half(v.outputs),
            v.properties,
        )
        for v in values
    ]


def _first_half(outputs: Outputs) -> Outputs:
    end = len(outputs.row) // 2
    value, numerator, weight = outputs.value, outputs.numerator, outputs.weight
    return Outputs(outputs.row[:end], value[:end], numerator[:end], weight[:end])


def _targets_of(rule: int, count: int, entities: EntityNumbers, words: Vocabulary) -> Targets:
    made = [_target(rule, number) for number in range(count)]
    targets = Targets(entities)
    targets.extend(
        words,
        np.array([entities.number(entity) for entity, _ in made], np.int32),
        np.array([words.set_of(labels) for _, labels in made], np.int64),
    )
    return targets


def _target(rule: int, number: int) -> tuple[Entity, LabelSet]:
    entity = Entity(
        Scope.ENDPOINT,
        "AWS_DYNAMODB",
        "aws-dynamodb::118736666877",
        endpoint=f"orders-{number // (1 + rule % 3)}",
        region="eu-west-1",
    )
    labels = (("operation", f"Get{number % 3}"),) if rule % 3 else ()
    return entity, labels


@contextmanager
def _row(name: str, store: Store, rows: list[Row]) -> Iterator[None]:
    backend = _backend(store)
    gc.collect()
    server = usage(backend).cpu if backend else 0.0
    began = time.process_time()
    yield
    client = time.process_time() - began
    rows.append((name, client, (usage(backend).cpu - server) if backend else 0.0))


def _backend(store: Store) -> int:
    if store.description.startswith("sqlite"):
        return 0
    pid: Callable[[Connection], int] = lambda c: int(  # noqa: E731 - one line
        c.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    )
    return store.write(pid)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.cold", description=__doc__)
    parser.add_argument("--series", type=int, default=80_000, help="about so many series")
    parser.add_argument("--memory", action="store_true", help="measure memory, too, which is slow")
    parser.add_argument("--rules", type=int, default=254, help="rules that the targets are of")
    parser.add_argument("--format", choices=list(Format), default=Format.OPENTELEMETRY_1_0)
    parser.add_argument("--database", help="URL; default: SQLite in a temporary directory")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
