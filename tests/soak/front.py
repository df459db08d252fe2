"""What stands before the servers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.fixtures.nginx import nginx

Front = Callable[[Sequence[int], Path], AbstractContextManager[tuple[int, list[str]]]]
"""Given the servers' ports: the port to connect to, and the simulator's options for reaching it.

The first option holds ``{port}``, where a proxy puts its own.
"""


@contextmanager
def tls(ports: Sequence[int], directory: Path) -> Iterator[tuple[int, list[str]]]:
    """NGINX as it is shipped, with a certificate of a test CA."""
    home = directory / "nginx"
    home.mkdir()
    with nginx(ports, home) as proxy:
        yield (
            proxy.public_port,
            ["--url=https://127.0.0.1:{port}", f"--ca-file={proxy.ca_file}"],
        )
