"""A small disk of its own, so that filling it harms nobody else."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoSmallDiskError(Exception):
    """A file system cannot be mounted here; the message says why."""


class SmallDisk:
    """A directory with a fixed number of bytes, which can be used up and given back."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._filler = directory / "filler"

    def fill(self) -> None:
        """Use up every byte that is left."""
        with self._filler.open("ab", buffering=0) as filler:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        """Give the space back."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(directory: Path, mebibytes: int) -> Iterator[SmallDisk]:
    """Mount a tmpfs on a directory. Raises ``NoSmallDiskError`` without the right to do so."""
    if os.geteuid() != 0:
        raise NoSmallDiskError("mounting a small file system takes root")
    directory.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(directory)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        raise NoSmallDiskError(mounted.stderr.strip())
    try:
        yield SmallDisk(directory)
    finally:
        # Lazily: a process that is still on its way out must not leave the mount behind.
        unmount = ["umount", "--lazy", str(directory)]
        subprocess.run(unmount, check=True)
