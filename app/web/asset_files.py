"""The files that pages load: style sheets, modules and the packages of others, held in memory."""

import gzip
import mimetypes
import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from app.errors import ConfigurationError

ASSETS = Path(__file__).with_name("assets")
_DIGEST_BYTES = 10
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMPORT = re.compile(r"""^import .*? from "(\.[^"]+)";$""", re.MULTILINE)
_PACKAGES = ("vendor/uplot/uPlot.js", "vendor/htmx/htmx.js")


@dataclass(frozen=True)
class Asset:
    """A file as it is and as gzip, with its media type."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes:
        """The same in gzip; equal files give equal bytes."""
        return gzip.compress(self.content, mtime=0)


class AssetFiles:
    """All of them by their path below ``assets/``, and one digest over all.

    The digest is part of their URLs, so browsers may keep them for ever, and modules import each
    other by relative paths within one release. Raises ``ConfigurationError`` where the packages
    of others have not been brought.
    """

    def __init__(self, directory: Path = ASSETS) -> None:
        self._files = {
            path.relative_to(directory).as_posix(): Asset(
                path.read_bytes(), _TYPES.get(path.suffix) or _guessed(path)
            )
            for path in sorted(directory.rglob("*"))
            if path.is_file() and not path.name.endswith(".d.ts")
        }
        lacking = [name for name in _PACKAGES if name not in self._files]
        if lacking:
            raise ConfigurationError(
                f"the pages lack {' and '.join(lacking)}: run `make setup`, which brings them"
            )
        digest = blake2b(digest_size=_DIGEST_BYTES)
        for name, asset in self._files.items():
            digest.update(f"{name}\0{len(asset.content)}\0".encode())
            digest.update(asset.content)
        self.digest = digest.hexdigest()

    def find(self, name: str) -> Asset | None:
        """The file of a path below ``assets/``."""
        return self._files.get(name)

    def modules(self, name: str) -> list[str]:
        """Paths of a module and of all that it imports, which a page asks for at once.

        Raises ``KeyError`` for a path that is not there.
        """
        found: dict[str, None] = {}
        due = [name]
        while due:
            path = due.pop()
            if path not in found:
                found[path] = None
                folder = posixpath.dirname(path)
                text = self._files[path].content.decode()
                imported = () if path in _PACKAGES else _IMPORT.findall(text)
                due += [posixpath.normpath(posixpath.join(folder, each)) for each in imported]
        return list(found)

    def url(self, name: str) -> str:
        """Where pages load a file from. Raises ``KeyError`` for one that is not there."""
        if name not in self._files:
            raise KeyError(name)
        return f"/assets/{self.digest}/{name}"


def _guessed(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "text/plain; charset=utf-8"
