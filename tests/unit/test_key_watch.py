"""Keys and tokens that change while serving: taken when they stand still, and never opened."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.credentials import AccessKeys
from app.pipeline import KeyWatcher
from app.settings import Settings, load_settings
from app.telemetry import REGISTRY


class Watched:
    """A watcher over a directory of secrets, and what it watches."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write("access_keys", "old-key")
        self.write("read_tokens", "old-token")
        settings = self.read()
        self.keys = AccessKeys(settings.access_keys)
        self.tokens = AccessKeys(settings.read_tokens)
        self.operators = AccessKeys(settings.operator_tokens)
        self.watcher = KeyWatcher(settings, self.read, self.keys, self.tokens, self.operators)

    def read(self) -> Settings:
        return load_settings(secrets_directory=self.directory)

    def write(self, name: str, content: str) -> None:
        (self.directory / f"hydrant_{name}").write_text(content)

    def look(self, times: int = 2) -> None:
        for _ in range(times):
            self.watcher.look()

    @property
    def accepted(self) -> list[str]:
        names = ("old-key", "new-key", "old-token", "new-token")
        return [
            name
            for name in names
            if (self.keys if name.endswith("key") else self.tokens).holder(name.encode())
        ]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HYDRANT_{name.upper()}", raising=False)
    return Watched(tmp_path)


def reloads(result: str) -> float:
    labels = {"result": result}
    return REGISTRY.get_sample_value("hydrant_key_reloads_total", labels) or 0.0


def test_operators_tokens_rotate_too(watched: Watched) -> None:
    assert not watched.operators.required
    watched.write("operator_tokens", "one, two")
    watched.look()
    assert watched.operators.holder(b"two") is not None
    watched.write("operator_tokens", "")
    watched.look()
    assert watched.operators.holder(b"two") is not None, "a set that is gone is a mistake"


def test_a_rotation_needs_no_restart(watched: Watched) -> None:
    before = reloads("loaded")
    watched.write("access_keys", "old-key,new-key")
    watched.watcher.look()
    assert watched.accepted == ["old-key", "old-token"]
    watched.watcher.look()
    assert watched.accepted == ["old-key", "new-key", "old-token"]
    watched.write("access_keys", "new-key")
    watched.write("read_tokens", "new-token")
    watched.look()
    assert watched.accepted == ["new-key", "new-token"]
    watched.look(5)
    assert reloads("loaded") == before + 2


def test_accounts_of_a_key_change_too(watched: Watched) -> None:
    watched.write("access_keys", '[{"key": "old-key", "name": "a", "accounts": ["1"]}]')
    watched.look()
    holder = watched.keys.holder(b"old-key")
    assert holder is not None
    assert (holder.name, holder.accounts) == ("a", frozenset({"1"}))


def _without(watched: Watched) -> None:
    (watched.directory / "hydrant_access_keys").unlink()


def _empty(watched: Watched) -> None:
    watched.write("read_tokens", "\n")


def _broken(watched: Watched) -> None:
    watched.write("access_keys", '["new-key"')


def _another_setting(watched: Watched) -> None:
    watched.write("access_keys", "new-key")
    watched.write("port", "seventy")


@pytest.mark.parametrize("spoil", [_without, _empty, _broken, _another_setting])
def test_what_would_open_or_cannot_be_read_changes_nothing(
    watched: Watched, spoil: Callable[[Watched], None]
) -> None:
    before = reloads("refused")
    spoil(watched)
    watched.look(5)
    assert watched.accepted == ["old-key", "old-token"]
    assert reloads("refused") == before + 1
    (watched.directory / "hydrant_port").unlink(missing_ok=True)
    watched.write("access_keys", "new-key")
    watched.write("read_tokens", "new-token")
    watched.look()
    assert watched.accepted == ["new-key", "new-token"]


def test_a_mistake_that_is_taken_back_is_not_told_twice(watched: Watched) -> None:
    loaded, refused = reloads("loaded"), reloads("refused")
    _broken(watched)
    watched.look()
    watched.write("access_keys", "old-key")
    watched.look(3)
    assert (reloads("loaded"), reloads("refused")) == (loaded, refused + 1)


def test_the_settings_file_is_read_again_too(tmp_path: Path, watched: Watched) -> None:
    (tmp_path / "hydrant_access_keys").unlink()
    (tmp_path / "hydrant.toml").write_text('access_keys = ["new-key"]')
    watched.look()
    assert watched.accepted == ["new-key", "old-token"]
