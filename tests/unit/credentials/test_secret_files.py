"""Secrets as files: as Docker, Kubernetes and systemd lay them out, and as they should not be."""

import os
from pathlib import Path

import pytest

from app.credentials import exposed_files, read_secret_files, unknown_files
from app.errors import ConfigurationError
from app.settings import Settings, load_settings

NAMES = ("access_keys", "read_tokens", "database")


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "secrets"
    directory.mkdir()
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HYDRANT_{name.upper()}", raising=False)
    return directory


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"key\n", "key"),
        (b"key\r\n", "key"),
        (b"key", "key"),
        (b" key \n\n", " key \n"),
        (b"", ""),
        (b"\xef\xbb\xbfkey\n", "key"),
    ],
)
def test_one_line_end_is_stripped(secrets: Path, content: bytes, read: str) -> None:
    (secrets / "hydrant_access_keys").write_bytes(content)
    assert read_secret_files(secrets, NAMES) == {"access_keys": read}


def test_what_is_not_ours_is_left_alone(secrets: Path) -> None:
    for name in ("postgres_password", "hydrant_databaze", "HYDRANT_DATABASE"):
        (secrets / name).write_bytes(b"\xff")
    os.mkfifo(secrets / "some_pipe")
    assert read_secret_files(secrets, NAMES) == {}
    assert unknown_files(secrets, NAMES) == ["HYDRANT_DATABASE", "hydrant_databaze"]


def test_kubernetes_exchanges_what_links_point_to(secrets: Path) -> None:
    for version, key in (("..1", "old"), ("..2", "new")):
        (secrets / version).mkdir()
        (secrets / version / "hydrant_access_keys").write_text(key)
    (secrets / "..data").symlink_to("..1")
    (secrets / "hydrant_access_keys").symlink_to("..data/hydrant_access_keys")
    assert read_secret_files(secrets, NAMES) == {"access_keys": "old"}
    (secrets / "..next").symlink_to("..2")
    (secrets / "..next").rename(secrets / "..data")
    assert read_secret_files(secrets, NAMES) == {"access_keys": "new"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "is not a file"),
        (os.mkfifo, "is not a file"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read: No such file"),
        (lambda path: path.symlink_to(path.name), "cannot be read: Too many levels"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8"),
        (lambda path: path.write_bytes(b"x" * (1 << 20) + b"x"), "has more than 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(secrets: Path, make: object, message: str) -> None:
    assert callable(make)
    make(secrets / "hydrant_database")
    with pytest.raises(ConfigurationError, match=f"hydrant_database {message}"):
        load_settings(secrets_directory=secrets)


def test_a_file_without_permission_is_named(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = secrets / "hydrant_database"
    file.write_text("sqlite:///x.db")
    file.chmod(0)
    if os.access(file, os.R_OK):
        # The superuser may read everything, so the refusal is the file system's in name only.
        refusal = PermissionError(13, "Permission denied")
        monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(refusal))
    with pytest.raises(ConfigurationError, match="hydrant_database cannot be read: Permission"):
        read_secret_files(secrets, NAMES)


@pytest.mark.parametrize("directory", ["", "nowhere"])
def test_a_directory_that_is_not_there_is_named(
    secrets: Path, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRANT_SECRETS_DIRECTORY", directory)
    with pytest.raises(ConfigurationError, match=r"secrets_directory|directory of secrets nowhere"):
        load_settings()
    assert secrets.is_dir()


def test_files_that_others_can_use_are_told(secrets: Path) -> None:
    for name, mode in (("access_keys", 0o600), ("read_tokens", 0o604), ("database", 0o440)):
        (secrets / f"hydrant_{name}").write_text("x")
        (secrets / f"hydrant_{name}").chmod(mode)
    secrets.chmod(0o755)
    assert exposed_files(secrets) == ["hydrant_read_tokens"]
    (secrets / "hydrant_database").chmod(0o602)
    assert exposed_files(secrets) == ["hydrant_database", "hydrant_read_tokens"]
    secrets.chmod(0o700)
    assert exposed_files(secrets) == []


def test_files_count_over_the_settings_file_and_under_the_environment(
    secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hydrant.toml").write_text(
        f'secrets_directory = "{secrets}"\nport = 1\naccess_keys = ["file"]\ndatabase = "d"\n'
    )
    assert load_settings().port == 1
    (secrets / "hydrant_port").write_text("2\n")
    (secrets / "hydrant_access_keys").write_text('[{"key": "k", "accounts": ["1"]}]\n')
    (secrets / "hydrant_database").write_text("secret\n")
    (secrets / "hydrant_migrate_on_start").write_text("false\n")
    monkeypatch.setenv("HYDRANT_DATABASE", "environment")
    settings = load_settings()
    assert (settings.port, settings.database, settings.migrate_on_start) == (
        2,
        "environment",
        False,
    )
    assert [key.key for key in settings.access_keys] == ["k"]
    assert settings.secrets_directory == secrets


def test_a_wrong_secret_is_named_like_a_wrong_setting(secrets: Path) -> None:
    (secrets / "hydrant_access_keys").write_text('["hunter2"')
    with pytest.raises(ConfigurationError, match="access_keys: not a JSON list") as caught:
        load_settings(secrets_directory=secrets)
    assert "hunter2" not in str(caught.value)
