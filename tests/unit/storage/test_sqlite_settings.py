"""What connections to SQLite are set to: a commit is on disk, and a deletion writes little."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.storage import Connection, Store

_FAST = 2
_FULL = 2


def test_the_writer_syncs_each_commit_and_writes_no_zeros(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    try:
        store.migrate()

        def settings(connection: Connection) -> list[object]:
            names = "synchronous", "secure_delete", "journal_mode"
            return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

        assert store.write(settings) == [_FULL, _FAST, "wal"]
    finally:
        store.close()


def test_what_is_deleted_is_not_written_again(sqlite_url: str) -> None:
    size = 4 * 2**20
    file = sqlite_url.removeprefix("sqlite:///")
    log = Path(f"{file}-wal")
    store = Store(sqlite_url)
    try:
        store.migrate()
        row = f"INSERT INTO probe VALUES (zeroblob({size}))"
        store.write(lambda c: c.exec_driver_sql("CREATE TABLE probe (data BLOB)"))
        store.write(lambda c: c.exec_driver_sql(row))
        with closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert log.stat().st_size == 0
        store.write(lambda c: c.exec_driver_sql("DELETE FROM probe"))
        assert 0 < log.stat().st_size < size / 4
    finally:
        store.close()
