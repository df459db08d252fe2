"""Looks at a directory of rules: a change counts when it stands still."""

import os
from pathlib import Path

import pytest

from app.errors import RuleError
from app.rules import RuleDirectory, load_rule_directory

GOOD = "metricPrefix: m\nmetricsRules: []\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    directory = tmp_path / "rules"
    (directory / "sub").mkdir(parents=True)
    (directory / "a.yaml").write_text("a")
    (directory / "sub" / "b.yml").write_text("b")
    return directory


def settled(rules: Path) -> RuleDirectory:
    directory = RuleDirectory(rules)
    assert directory.changes() is None
    assert directory.changes() == {"a.yaml": "a", "sub/b.yml": "b"}
    assert directory.changes() is None
    assert directory.is_settled
    return directory


def test_a_change_counts_when_two_looks_have_seen_the_same(rules: Path) -> None:
    directory = settled(rules)
    for text in ("half", "half writ", "half written"):
        (rules / "a.yaml").write_text(text)
        assert directory.changes() is None
        assert not directory.is_settled
    assert directory.changes() == {"a.yaml": "half written", "sub/b.yml": "b"}
    assert directory.changes() is None


def test_a_file_written_by_rename_is_never_missing(rules: Path) -> None:
    directory = settled(rules)
    (rules / "a.yaml").rename(rules / "a.yaml~")
    assert directory.changes() is None
    (rules / "a.yaml").write_text("new")
    assert directory.changes() is None
    assert directory.changes() == {"a.yaml": "new", "sub/b.yml": "b"}


def test_a_replacement_of_the_same_size_and_time_is_seen(rules: Path) -> None:
    directory = settled(rules)
    times = (rules / "a.yaml").stat()
    (rules / "new").write_text("A")
    os.utime(rules / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    (rules / "new").rename(rules / "a.yaml")
    assert directory.changes() is None
    assert directory.changes() == {"a.yaml": "A", "sub/b.yml": "b"}


def test_files_are_added_and_removed(rules: Path) -> None:
    directory = settled(rules)
    (rules / "a.yaml").unlink()
    (rules / "sub" / "c.yaml").write_text("c")
    (rules / "notes.txt").write_text("x")
    assert directory.changes() is None
    assert directory.changes() == {"sub/b.yml": "b", "sub/c.yaml": "c"}


def test_what_comes_and_goes_between_looks_is_nothing_new(rules: Path) -> None:
    directory = settled(rules)
    (rules / "new.yaml").write_text("c")
    assert directory.changes() is None
    (rules / "new.yaml").unlink()
    assert directory.changes() is None
    assert directory.is_settled
    assert directory.changes() is None


def test_a_file_that_cannot_be_read_has_its_error(rules: Path) -> None:
    directory = settled(rules)
    (rules / "a.yaml").write_bytes(b"\xff")
    (rules / "nowhere.yaml").symlink_to(rules / "missing")
    (rules / "large.yaml").write_bytes(b" " * (1024 * 1024 + 1))
    assert directory.changes() is None
    found = directory.changes()
    assert found
    assert list(found) == ["a.yaml", "large.yaml", "nowhere.yaml", "sub/b.yml"]
    for name in ("a.yaml", "large.yaml", "nowhere.yaml"):
        assert isinstance(found[name], RuleError)
        assert str(found[name]).startswith(f"{name}: ")


def test_a_directory_that_is_gone_is_told_once_and_may_come_back(rules: Path) -> None:
    directory = settled(rules)
    rules.rename(rules.with_name("elsewhere"))
    assert directory.changes() is None
    with pytest.raises(RuleError, match="does not exist"):
        directory.changes()
    assert directory.changes() is None
    rules.with_name("elsewhere").rename(rules)
    assert directory.changes() is None
    assert directory.changes() == {"a.yaml": "a", "sub/b.yml": "b"}


def test_hidden_files_and_directories_are_passed_over(tmp_path: Path) -> None:
    """As a Kubernetes ConfigMap is mounted, and as an editor locks a file that is open."""
    version = tmp_path / "..2026_11_22"
    version.mkdir()
    (version / "a.yaml").write_text(GOOD)
    (tmp_path / "..data").symlink_to(version)
    (tmp_path / "a.yaml").symlink_to(Path("..data") / "a.yaml")
    (tmp_path / ".#a.yaml").symlink_to("someone@host.123")
    assert [file.path for file in load_rule_directory(tmp_path)] == ["a.yaml"]
    directory = RuleDirectory(tmp_path)
    assert (directory.changes(), directory.changes()) == (None, {"a.yaml": GOOD})
    # A new version of the map is a new target of the one link.
    newer = tmp_path / "..2026_11_23"
    newer.mkdir()
    (newer / "a.yaml").write_text("newer")
    (tmp_path / "..new").symlink_to(newer)
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert (directory.changes(), directory.changes()) == (None, {"a.yaml": "newer"})
