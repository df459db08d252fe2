"""Database URLs: what is taken, and what of them may be logged."""

import pytest

from app.errors import ConfigurationError
from app.storage.engine import parse_database_url, without_secrets


@pytest.mark.parametrize(
    ("url", "logged"),
    [
        ("sqlite:///x.db", "sqlite+pysqlite:///x.db"),
        ("postgres://u:hunter2@h:5/d", "postgresql+psycopg://u:***@h:5/d"),
        ("postgresql://u:hunt%40er2@h/d", "postgresql+psycopg://u:***@h/d"),
        ("postgresql://u:hunter2/x:y@h/d", "postgresql+psycopg://u:***@h/d"),
    ],
)
def test_a_password_is_hidden(url: str, logged: str) -> None:
    assert without_secrets(parse_database_url(url)) == logged


def test_a_password_among_the_parameters_is_hidden() -> None:
    url = "postgresql://u@h/d?sslmode=require&password=hunter2&sslpassword=hunter2"
    logged = without_secrets(parse_database_url(url))
    assert "hunter2" not in logged
    assert "sslmode=require" in logged


def test_a_password_with_an_unwritten_at_sign_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="%40") as caught:
        parse_database_url("postgresql://user:hun@ter2@host/db")
    assert "ter2" not in str(caught.value)
