"""Strings, written as Go quotes them and read with Go's escapes, and names that need no quotes."""

import re

BARE_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
"""The name of a metric that needs no quotes."""

BARE_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of a label that needs no quotes."""

_SHORT = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
}
_UNESCAPED = {written[1]: sign.encode() for sign, written in _SHORT.items()} | {
    '"': b'"',
    "'": b"'",
}
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|([0-7]{3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL
)
_HARMLESS = re.compile(r"[ !#-\[\]-~]*")


def quoted(text: str, quote: str = '"') -> str:
    r"""The text between quotes, with escapes for what is not printable: ``"a\n"``."""
    if _HARMLESS.fullmatch(text) and quote not in text:
        return f"{quote}{text}{quote}"
    return f"{quote}{''.join(_escaped(sign, quote) for sign in text)}{quote}"


def unquoted(literal: str) -> str:
    """The text of a string literal that the lexer has accepted.

    Escaped bytes that are not UTF-8 together become U+FFFD: no label of ours has such a value.
    """
    body = literal[1:-1]
    if literal[0] == "`" or "\\" not in body:
        return body
    parts: list[bytes] = []
    end = 0
    for found in _ESCAPE.finditer(body):
        parts += (body[end : found.start()].encode(), _bytes(found))
        end = found.end()
    parts.append(body[end:].encode())
    return b"".join(parts).decode("utf-8", "replace")


def code_point(sign: str) -> str:
    """A character as Go's ``%#U`` prints it: ``U+0071 'q'``."""
    shown = f" '{sign}'" if sign.isprintable() else ""
    return f"U+{ord(sign):04X}{shown}"


def _bytes(escape: "re.Match[str]") -> bytes:
    byte_16, byte_8, short, long, sign = escape.groups()
    if byte_16 or byte_8:
        return bytes([int(byte_16, 16) if byte_16 else int(byte_8, 8)])
    if short or long:
        return chr(int(short or long, 16)).encode()
    return _UNESCAPED[sign]


def _escaped(sign: str, quote: str) -> str:
    if sign in _SHORT:
        return _SHORT[sign]
    if sign == quote:
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    code = ord(sign)
    if code < 0x80:  # noqa: PLR2004
        return f"\\x{code:02x}"
    if 0xD800 <= code < 0xE000:  # noqa: PLR2004
        return "\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004
