"""Where objects are: files, directories, standard input, S3."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from app.backup.content import Source
from app.backup.s3 import Bucket, is_s3
from app.errors import NotFound

STANDARD_INPUT = "-"
STANDARD_INPUT_FD = 0


@dataclass(frozen=True, slots=True)
class BackupObject:
    """An object. ``version`` changes when its bytes do; None when it cannot be read twice.

    ``open`` gives its bytes; whoever reads them may see ``OSError``. ``size`` in bytes is None when
    it is not known.
    """

    name: str
    version: str | None
    size: int | None
    open: Callable[[], AbstractContextManager[Source]]


def find_objects(paths: Sequence[str], *, endpoint_url: str | None = None) -> list[BackupObject]:
    """All objects of these places: in the order given, and each in the order of its keys.

    A directory is searched through, an S3 URL names all keys that begin like it. What is given
    twice is read once. Raises ``NotFound`` for a place where there is none, and ``Unavailable``
    for an S3 that does not answer.
    """
    found: dict[str, BackupObject] = {}
    for path in paths:
        for each in _objects(path, endpoint_url):
            found.setdefault(each.name, each)
    return list(found.values())


def _objects(path: str, endpoint_url: str | None) -> list[BackupObject]:
    if path == STANDARD_INPUT:
        return [BackupObject("standard input", None, None, lambda: _unbuffered(STANDARD_INPUT_FD))]
    if is_s3(path):
        bucket = Bucket(path, endpoint_url)
        objects = [
            BackupObject(key.url, f"{key.etag}/{key.size}", key.size, key.open)
            for key in bucket.listing()
        ]
    else:
        objects = [_file(file) for file in _files(Path(path))]
    if not objects:
        raise NotFound(f"there are no objects at {path}")
    return objects


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            path.stat()
            return [path]
        # S3 compares keys as bytes of UTF-8.
        return sorted(_below(path), key=lambda file: os.fsencode(file.relative_to(path).as_posix()))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from error


def _below(directory: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, _, names in os.walk(directory, onerror=refuse):
        for name in names:
            file = Path(parent, name)
            # Links to nowhere are reported when they are opened.
            if file.is_file() or file.is_symlink():
                yield file


def _file(path: Path) -> BackupObject:
    try:
        status = path.stat()
        version, size = f"{status.st_mtime_ns}/{status.st_size}", status.st_size
    except OSError:
        version, size = "", 0
    if not path.is_file():
        # A pipe's bytes come once.
        return BackupObject(str(path), None, None, lambda: _unbuffered(path))
    return BackupObject(str(path.resolve()), version, size, lambda: _unbuffered(path))


def _unbuffered(file: Path | int) -> FileIO:
    """Whoever waits for a pipe's bytes can be interrupted between any two reads.

    A buffered reader goes back to waiting when a signal comes together with some bytes.
    """
    return FileIO(file, "rb", closefd=not isinstance(file, int))
