"""Databases of tests of alarms: made by the migrations, filled by ingest, gone afterwards."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import pybase64

from app.alarms.cases import AlarmCase
from app.catalog import SeriesRegistry
from app.clock import ManualClock
from app.errors import AlarmRuleError
from app.pipeline import Ingest
from app.query.prometheus import PrometheusData
from app.storage import Store

_LINES_A_RECORD = 1_000


class Sandbox:
    """Makes a database for each test; a context manager, as they are in a temporary directory."""

    def __init__(self) -> None:
        self._directory = TemporaryDirectory(prefix="hydrant-alarms-")
        self._empty: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._directory.cleanup()

    @contextmanager
    def filled(self, case: AlarmCase) -> Iterator[PrometheusData]:
        """A database with the points and records of a test.

        Raises ``AlarmRuleError`` at the series with a point that a server would set aside.
        """
        path = Path(self._directory.name) / "test.db"
        shutil.copyfile(self._migrated(), path)
        store = Store(f"sqlite:///{path}", readers=1)
        try:
            store.check()
            _fill(store, case)
            yield PrometheusData(store, dict)
        finally:
            store.close()
            for left in Path(self._directory.name).glob("test.db*"):
                left.unlink()

    def _migrated(self) -> Path:
        """An empty database; making the schema takes longer than most tests."""
        if self._empty is None:
            self._empty = Path(self._directory.name) / "empty.db"
            store = Store(f"sqlite:///{self._empty}", readers=1)
            try:
                store.migrate()
            finally:
                store.close()
        return self._empty


def _fill(store: Store, case: AlarmCase) -> None:
    registry = SeriesRegistry()
    now = Ingest(store, registry, ManualClock(case.until_ms))
    for number, series in enumerate(case.series):
        lines = series.lines()
        chunks = iter(lambda lines=lines: list(islice(lines, _LINES_A_RECORD)), [])  # type: ignore[misc]
        records = [b"\n".join(chunk) for chunk in chunks]
        receipt = now.store(now.open(f"series-{number}", _envelope(records, case.until_ms)))
        for rejection in receipt.rejections:
            fault = series.item.fault(rejection.detail)
            raise AlarmRuleError(fault.reason, line=fault.line, column=fault.column)
    for number, given in enumerate(case.records):
        for at_ms, count in given.arrivals():
            # Bytes that have come before would be counted with those of then.
            records = [f"{number} {at_ms} {place}".encode() for place in range(count)]
            then = Ingest(store, registry, ManualClock(at_ms))
            body = _envelope(records, at_ms)
            then.store(then.open(f"records-{number}-{at_ms}", body, source=given.source))


def _envelope(records: list[bytes], at_ms: int) -> bytes:
    """The body of a Firehose request."""
    data = [{"data": pybase64.b64encode(record).decode()} for record in records]
    return json.dumps({"requestId": "test", "timestamp": at_ms, "records": data}).encode()
