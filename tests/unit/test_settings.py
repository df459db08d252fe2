"""Settings: where they come from, and what a wrong one is told."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.settings import Settings, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def empty_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HYDRANT_{name.upper()}", raising=False)


def test_the_command_line_counts_over_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hydrant.toml").write_text('port = 1\nhost = "a"\ndatabase = "sqlite:///file.db"\n')
    monkeypatch.setenv("HYDRANT_PORT", "2")
    monkeypatch.setenv("HYDRANT_HOST", "b")
    settings = load_settings(host="c", database=None)
    assert (settings.host, settings.port, settings.database) == ("c", 2, "sqlite:///file.db")


def test_a_named_file_is_read_instead(tmp_path: Path) -> None:
    (tmp_path / "hydrant.toml").write_text("port = 1\n")
    (tmp_path / "other.toml").write_text("port = 2\n")
    assert load_settings(tmp_path / "other.toml").port == 2
    with pytest.raises(ConfigurationError, match="does not exist"):
        load_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("one", ("one",)),
        ("one, two,", ("one", "two")),
        ("", ()),
        ('["a,b", "{\\"c\\": 1}"]', ("a,b", '{"c": 1}')),
    ],
)
def test_access_keys(monkeypatch: pytest.MonkeyPatch, text: str, keys: tuple[str, ...]) -> None:
    monkeypatch.setenv("HYDRANT_ACCESS_KEYS", text)
    assert tuple(key.key for key in load_settings().access_keys) == keys


def test_access_keys_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "hydrant.toml").write_text('access_keys = ["a,b", "c"]\n')
    assert [key.key for key in load_settings().access_keys] == ["a,b", "c"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "seventy-secret"),
        ("PORT", "70000"),
        ("ACCESS_KEYS", '["secret", 5]'),
        ("ACCESS_KEYS", '["secret", ""]'),
        ("ACCESS_KEYS", '["secret"'),
        ("LOG_LEVEL", "secret"),
        ("READER_CONNECTIONS", "0"),
        ("BODY_MEMORY_MIB", "10"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"HYDRANT_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert name.lower() in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["prot = 1\n", "port = \n", "[server]\nport = 1\n"])
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "hydrant.toml").write_text(text)
    with pytest.raises(ConfigurationError):
        load_settings()


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRANT_ACCESS_KEYS", "hunter2")
    monkeypatch.setenv("HYDRANT_DATABASE", "postgresql://user:hunter2@host/db")
    settings = load_settings()
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


def test_variables_that_are_no_settings_are_found() -> None:
    environment = ["HYDRANT_PORT", "HYDRANT_PROT", "HYDRANT_SIMULATE_ACCESS_KEY", "PATH"]
    assert unknown_variables(environment) == ["HYDRANT_PROT"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"minute_retention_days": 2}, "are wrong: minute_retention_days is at least 3"),
        ({"five_minute_retention_days": 14}, "five_minute_retention_days must be at least as long"),
        ({"hour_retention_days": 62}, "hour_retention_days must be at least as long"),
        ({"five_minute_retention_days": 0}, "hour_retention_days must be at least as long"),
        ({"minute_retention_days": 0}, "five_minute_retention_days must be at least as long"),
        ({"quarantine_retention_days": -1}, "quarantine_retention_days"),
    ],
)
def test_a_longer_tier_is_kept_at_least_as_long(given: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings(None, **given)


@pytest.mark.parametrize("days", [(3, 3, 3), (15, 63, 0), (15, 0, 0), (0, 0, 0)])
def test_tiers_may_be_kept_for_ever(days: tuple[int, int, int]) -> None:
    names = ("minute_retention_days", "five_minute_retention_days", "hour_retention_days")
    settings = load_settings(None, **dict(zip(names, days, strict=True)))
    assert settings.hour_retention_days == days[2]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@host/db",
        "postgres://:hunter2@host/db",
        "postgresql+psycopg://user:hun/ter2@host/db",
        "postgresql://user@host/db?password=hunter2",
        "postgresql://user@host/db?connect_timeout=3&sslpassword=hunter2",
    ],
)
def test_a_password_on_the_command_line_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="on the command line") as caught:
        load_settings(database=url)
    assert "ter2" not in str(caught.value)
    monkeypatch.setenv("HYDRANT_DATABASE", url)
    assert load_settings().database == url


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a:b@c.db",
        "postgresql://user@host:5432/db",
        "postgresql://host/db",
        "postgresql://user@host/db?passfile=/run/secrets/pgpass",
    ],
)
def test_a_url_without_a_password_may_be_on_the_command_line(url: str) -> None:
    assert load_settings(database=url).database == url


def test_a_settings_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hydrant.toml").symlink_to("hydrant.toml")
    with pytest.raises(ConfigurationError, match=r"cannot be read|does not exist"):
        load_settings(tmp_path / "hydrant.toml")
