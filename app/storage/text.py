"""Text that SQL can hold."""

from collections.abc import Iterable


def storable(text: str) -> str:
    """The text without NUL, which PostgreSQL refuses, and without lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def storable_column(texts: Iterable[str]) -> list[str]:
    """The same of each of some texts."""
    column = list(map(str, texts))
    together = "".join(column)
    # Nearly all are plain, which is told of all of them at once.
    if together.isascii() and "\0" not in together:
        return column
    return list(map(storable, column))
