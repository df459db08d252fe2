"""The soak test in the time that a test run has; ``make soak`` is its long form."""

import math
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from app.storage import Store
from app.storage.array_codec import encode_doubles, encode_integers
from tests.fixtures.sql import sql_engine
from tests.soak.backends import Backend, Sqlite, postgresql
from tests.soak.comparison import compare
from tests.soak.disk import NoSmallDiskError, SmallDisk, small_disk
from tests.soak.drill import Drill
from tests.soak.front import tls

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 10
DISK_MIB = 600


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that PostgreSQL's user may enter too."""
    with tempfile.TemporaryDirectory(prefix="hydrant-soak-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize(("engine", "servers"), [("postgresql", 2), ("sqlite", 1)])
def test_under_faults_everything_acknowledged_is_there_exactly_once(
    engine: str, servers: int, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[str] = []
    missing = ""
    disk: SmallDisk | None = None
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk(directory / "disk", DISK_MIB))
        except NoSmallDiskError as error:
            missing = str(error)
        backend: Backend = Sqlite(directory, disk)
        if engine == "postgresql":
            backend = stack.enter_context(postgresql(directory, disk))
        drill = Drill(backend, tls, directory, servers, KILLS, seed=servers, say=events.append)
        report = drill.run()
    with capsys.disabled():
        sys.stdout.write(f"\n{engine}: {report.text()}\n")
    assert report.is_good, "\n".join([report.text(), *events])
    assert report.kills == KILLS
    assert report.acknowledged > 0
    assert report.cut_in_requests + report.cut_in_answers > 0
    assert all(report.faults.get(name) for name in backend.faults)
    if missing:
        pytest.skip(f"all but the full disk, which needs one that can be filled: {missing}")


def test_the_comparison_notices_what_is_wrong(directory: Path) -> None:
    def point(name: str, *rows: tuple[int, str, float]) -> str:
        url = f"sqlite:///{directory / name}.db"
        store = Store(url)
        store.migrate()
        store.close()
        engine = sql_engine(url)
        with engine.begin() as connection:
            for number, (minute, metric, total) in enumerate(rows, 1):
                connection.execute(
                    sa.text(
                        "INSERT INTO series VALUES"
                        " (:n, :d, 'a', 'r', 'ns', :metric, '{}', 'Count', 'cloudwatch')"
                    ),
                    {"n": number, "d": bytes([number]) * 16, "metric": metric},
                )
                numbers = [np.array([value]) for value in (1.0, total, math.nan, math.nan)]
                columns = [encode_integers(np.array([number])), *map(encode_doubles, numbers)]
                connection.exec_driver_sql(
                    "INSERT INTO point_batch (minute, batch_id, series_id, sample_count, sum,"
                    " minimum, maximum) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (minute, number, *columns),
                )
        engine.dispose()
        return url

    clean = point("clean", (1, "x", 1.0), (1, "y", 2.0), (2, "z", 3.0))
    assert compare(clean, clean).is_equal
    tried = point("tried", (1, "x", 1.0), (1, "x", 1.0), (1, "y", 2.5), (2, "w", 3.0))
    result = compare(clean, tried)
    assert not result.is_equal
    assert (result.found, result.lost, result.doubled, result.changed, result.foreign) == (
        *(2, 1, 1, 1, 1),
    )
    assert result.different_rows["v_points"] == 5
