"""Text that SQL can hold."""


def storable(text: str) -> str:
    """The text without NUL, which PostgreSQL refuses, and without lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
