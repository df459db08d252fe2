"""The databases that tests are given are real, empty and apart from each other."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.fixtures import postgresql
from tests.fixtures.databases import Copy

pytestmark = pytest.mark.empty_database


@pytest.mark.parametrize("attempt", [1, 2])
def test_each_test_gets_an_empty_database(database_url: str, attempt: int) -> None:
    engine = create_engine(database_url)
    try:
        with engine.begin() as connection:
            assert inspect(connection).get_table_names() == []
            connection.execute(text("CREATE TABLE leftover (attempt INTEGER)"))
            connection.execute(text("INSERT INTO leftover VALUES (:attempt)"), {"attempt": attempt})
        with engine.connect() as connection:
            assert connection.execute(text("SELECT attempt FROM leftover")).scalar() == attempt
    finally:
        engine.dispose()


def filled(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE number (n INTEGER)"))
        connection.execute(text("INSERT INTO number VALUES (1)"))
    engine.dispose()


@pytest.mark.parametrize("attempt", [1, 2])
def test_each_test_gets_a_copy_of_its_own_of_what_is_filled_once(
    database_copy: Copy, attempt: int
) -> None:
    engine = create_engine(database_copy(filled))
    try:
        with engine.begin() as connection:
            assert connection.execute(text("SELECT n FROM number")).scalars().all() == [1]
            connection.execute(text("INSERT INTO number VALUES (:n)"), {"n": attempt})
    finally:
        engine.dispose()


def test_the_server_listens_on_loopback_only(postgresql_url: str) -> None:
    engine = create_engine(postgresql_url)
    try:
        with engine.connect() as connection:
            assert connection.execute(text("SHOW listen_addresses")).scalar() == "127.0.0.1"
            assert connection.execute(text("SHOW unix_socket_directories")).scalar() == ""
    finally:
        engine.dispose()


def test_missing_postgresql_is_an_error_and_not_a_skip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nothing(_directory: Path, _pattern: str) -> list[Path]:
        return []

    monkeypatch.setattr(Path, "glob", nothing)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(postgresql.PostgresqlMissingError, match=r"tests/system_packages\.sh"):
        postgresql.server_programs()
