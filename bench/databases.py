"""The databases of benchmarks: a PostgreSQL of one's own, and the process that works for one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.fixtures.postgresql import PostgresqlProcess

# As it is installed: what is acknowledged survives a power cut.
_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}


@contextmanager
def own_postgresql() -> Iterator[str]:
    """The URL of an empty database in a PostgreSQL that ends with the context."""
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as name:
        Path(name).chmod(0o755)
        directory = Path(name) / "postgresql"
        directory.mkdir()
        process = PostgresqlProcess(directory, **_SETTINGS)
        if not process.start():
            raise SystemExit("PostgreSQL does not start")
        try:
            process.server.create_database("hydrant")
            yield process.server.url("hydrant")
        finally:
            process.stop()


@contextmanager
def own_sqlite() -> Iterator[str]:
    """The URL of a SQLite file that is not there yet, and goes with the context."""
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as name:
        yield f"sqlite:///{name}/hydrant.db"


def server_pid(url: str) -> int | None:
    """The process whose children work for the connections; None for SQLite."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return None
    with psycopg.connect(
        host=parsed.host,
        port=parsed.port,
        user=parsed.username,
        password=parsed.password,
        dbname=parsed.database,
    ) as connection:
        stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text(encoding="utf-8")
    return int(stat.rpartition(")")[2].split()[1])
