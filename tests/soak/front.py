"""What stands before the servers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

Front = Callable[[Sequence[int], Path], AbstractContextManager[tuple[int, list[str]]]]
"""Given the servers' ports: the port to connect to, and the simulator's options for reaching it.

The first option holds ``{port}``, where a proxy puts its own.
"""


@contextmanager
def nothing(ports: Sequence[int], _directory: Path) -> Iterator[tuple[int, list[str]]]:
    """The first server itself, without TLS."""
    yield ports[0], ["--url=http://127.0.0.1:{port}"]
