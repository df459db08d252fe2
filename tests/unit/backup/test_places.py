"""Where objects are found, in which order, and when their records arrived."""

import os
from pathlib import Path

import pytest

from app.backup import arrivals, find_objects
from app.errors import ConfigurationError, InvalidParameter, NotFound
from tests.fixtures.backups import write_object


def names(*paths: object) -> list[str]:
    return [each.name for each in find_objects([str(path) for path in paths])]


def test_a_directory_is_read_in_the_order_of_its_keys(tmp_path: Path) -> None:
    keys = ["2024/10/01/00/b", "2024/10/01/00/a", "2024/10/01-", "2024/9/x", "ü", "Z", ".hidden"]
    for key in keys:
        write_object(tmp_path, key, b"")
    found = [str(Path(name).relative_to(tmp_path.resolve())) for name in names(tmp_path)]
    assert found == sorted(keys, key=str.encode)


def test_what_is_named_twice_is_read_once(tmp_path: Path) -> None:
    for key in ("a", "d/b", "d/c"):
        write_object(tmp_path, key, b"x")
    found = names(tmp_path / "d/c", tmp_path / "d", tmp_path / "a", tmp_path)
    assert [Path(name).name for name in found] == ["c", "b", "a"]


def test_a_file_that_changes_is_another_object(tmp_path: Path) -> None:
    path = write_object(tmp_path, "a", b"x")
    (before,) = find_objects([str(path)])
    os.utime(path, (1, 1))
    (after,) = find_objects([str(path)])
    assert before.name == after.name
    assert before.version != after.version


def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (pipe,) = find_objects([str(tmp_path / "pipe")])
    assert pipe.version is None
    (standard_input,) = find_objects(["-"])
    assert standard_input.version is None


def test_places_without_objects(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="no objects at"):
        names(tmp_path / "empty")
    with pytest.raises(NotFound, match="cannot be read: No such file"):
        names(tmp_path / "missing")
    with pytest.raises(InvalidParameter, match="BUCKET"):
        names("s3:///key")


def test_s3_without_boto3_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(ConfigurationError, match="pip install boto3"):
        names("s3://bucket/key")


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("a/2024/10/01/00/stream-1-2024-10-01-00-30-15-c0ffee.gz", 1_727_742_615_000),
        ("stream-2024-1-2024-10-01-00-30-15-0f", 1_727_742_615_000),
        ("http-endpoint-failed/2024/10/01/00/anything", 1_727_740_800_000),
        ("2024/10/01/00/x", 1_727_740_800_000),
        ("2023/01/01/00/2024/10/01/00/x", 1_727_740_800_000),
    ],
)
def test_keys_tell_when_records_arrived(key: str, first: int) -> None:
    span = arrivals(key)
    assert span is not None
    assert span[0] == first
    # The name is exact, a prefix is of an hour; buffers are written after 15 minutes at most.
    assert span[1] - first == (901_000 if "30-15" in key else 4_500_000)


@pytest.mark.parametrize("key", ["x", "2024/13/45/99/x", "2024-10-01-00-30-15/x", "12024/10/01/00"])
def test_other_keys_tell_nothing(key: str) -> None:
    assert arrivals(key) is None
