"""Label names in paths, where Prometheus escapes what is not a letter, digit or underscore."""

import re

_PREFIX = "U__"
_ESCAPED = re.compile(r"__|_([0-9a-fA-F]{1,6})_|([^_])")


def unescaped(name: str) -> str:
    """The name that ``U__…`` stands for; the text itself where it is not escaped right.

    ``__`` is an underscore, ``_2e_`` a character by its hexadecimal number.
    """
    if not name.startswith(_PREFIX):
        return name
    text = name.removeprefix(_PREFIX)
    parts: list[str] = []
    place = 0
    while place < len(text):
        found = _ESCAPED.match(text, place)
        if found is None:
            return name
        number, plain = found.groups()
        character = _character(number) if number else plain or "_"
        if character is None:
            return name
        parts.append(character)
        place = found.end()
    return "".join(parts)


def _character(number: str) -> str | None:
    code = int(number, 16)
    is_surrogate = 0xD800 <= code <= 0xDFFF  # noqa: PLR2004 - Unicode's
    return None if is_surrogate or code > 0x10FFFF else chr(code)  # noqa: PLR2004
