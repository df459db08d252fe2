"""A question of a command: from the database that the settings name, to an answer."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from app.storage import Connection

T = TypeVar("T")


def asked(
    settings_file: Path | None,
    database: str | None,
    question: "Callable[[Connection, int], T]",
) -> T:
    """What ``question`` makes of a connection and the most points that it may read."""
    from app.settings import load_settings
    from app.storage import Store

    settings = load_settings(settings_file, database=database)
    store = Store(settings.database, readers=1, create=False)
    try:
        store.check()
        with store.read() as connection:
            return question(connection, settings.query_max_points)
    finally:
        store.close()
