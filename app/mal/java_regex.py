"""Java's syntax of regular expressions in that of the library ``regex``, version 1.

The two agree in most. Translated are: quotations, classes that are ASCII in Java, POSIX and Java's
own properties, escapes, flags, and what is literal in Java but an operator in ``regex``. What Java
does not have (recursion, fuzzy matching, conditions) is refused, so that it cannot be relied on.
"""

import re

_SPACE = r" \t\n\x0b\f\r"
_VERTICAL = r"\n\x0b\f\r\x85\u2028\u2029"
_HORIZONTAL = r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_CLASSES = {
    "d": "0-9",
    "w": "a-zA-Z_0-9",
    "s": _SPACE,
    "h": _HORIZONTAL,
    "v": _VERTICAL,
}
_PROPERTIES = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": _SPACE,
    "L1": r"\x00-\xff",
    "all": r"\x00-\U0010ffff",
    "javaLowerCase": r"\p{Lowercase}",
    "javaUpperCase": r"\p{Uppercase}",
    "javaTitleCase": r"\p{Lt}",
    "javaAlphabetic": r"\p{Alphabetic}",
    "javaDigit": r"\p{Nd}",
    "javaLetter": r"\p{L}",
    "javaLetterOrDigit": r"\p{L}\p{Nd}",
    "javaSpaceChar": r"\p{Z}",
    "javaWhitespace": rf"{_SPACE}\x1c-\x1f\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000",
    "javaISOControl": r"\x00-\x1f\x7f-\x9f",
}
_REWRITTEN = {"e": r"\x1b", "Z": r"(?=\n?\Z)", "z": r"\Z"}
_PLAIN_ESCAPES = frozenset("tnrfabBAG")
_FLAGS = re.compile(r"\?([idmsuxU]*)(?:-([idmsuxU]+))?([:)])")
_GROUP = re.compile(r"\?(?::|=|!|>|<=|<!|<[A-Za-z][A-Za-z0-9]*>)")
_REPEAT = re.compile(r"\{\d+(?:,\d*)?\}")
_BACK_REFERENCE = re.compile(r"k<([A-Za-z][A-Za-z0-9]*)>")
_CODE_POINT = re.compile(
    r"x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|0([0-3][0-7]{2}|[0-7]{1,2})"
)
_PROPERTY = re.compile(r"([pP])(?:\{(\^?[\w =\-]+)\}|([A-Z]))")


def translated(pattern: str) -> str:
    """The pattern for ``regex``. Raises ``ValueError`` that says what is not understood."""
    return _Translation(pattern).run()


class _Translation:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._result: list[str] = []
        self._class_depth = 0

    def run(self) -> str:
        while self._at < len(self._pattern):
            sign = self._pattern[self._at]
            if sign == "\\":
                self._escape()
            elif self._class_depth:
                self._in_class()
            else:
                self._outside()
        if self._class_depth:
            raise ValueError("a class has no ]")
        return "".join(self._result)

    def _take(self, length: int, translation: str | None = None) -> None:
        taken = self._pattern[self._at : self._at + length]
        self._result.append(taken if translation is None else translation)
        self._at += length

    def _follows(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _outside(self) -> None:
        if self._follows("["):
            self._open_class()
        elif self._follows("(?"):
            self._group()
        elif self._follows("{"):
            repeat = _REPEAT.match(self._pattern, self._at)
            if repeat is None:
                raise ValueError("a { that is no repetition such as {2,3} is written \\{")
            self._take(repeat.end() - self._at)
        elif self._follows("}"):
            self._take(1, r"\}")
        else:
            self._take(1)

    def _group(self) -> None:
        if flags := _FLAGS.match(self._pattern, self._at + 1):
            on, off, end = flags.groups()
            # How regex reads lines and Unicode is fixed; the flags d, u and U have no counterpart.
            on = "".join(flag for flag in on if flag in "imsx")
            off = "".join(flag for flag in off or "" if flag in "imsx")
            switches = on + (f"-{off}" if off else "")
            written = f"(?{switches}{end}" if switches or end == ":" else ""
            self._take(flags.end() - self._at, written)
        elif group := _GROUP.match(self._pattern, self._at + 1):
            self._take(group.end() - self._at)
        else:
            raise ValueError(f"{self._pattern[self._at : self._at + 4]!r} is not known in Java")

    def _open_class(self) -> None:
        self._class_depth += 1
        self._take(1)
        if self._follows("^"):
            self._take(1)
        if self._follows("]"):
            self._take(1, r"\]")

    def _in_class(self) -> None:
        if self._follows("["):
            self._open_class()
        elif self._follows("]"):
            self._class_depth -= 1
            self._take(1)
        elif self._follows("&&"):
            self._take(2)
        elif self._pattern[self._at] in "|~:#& ":
            # Doubled these would be operators of regex, or begin a POSIX class; x ignores spaces.
            self._take(1, "\\" + self._pattern[self._at])
        elif self._follows("--"):
            self._take(1, r"\-")
        else:
            self._take(1)

    def _escape(self) -> None:
        if self._follows(r"\Q"):
            self._quotation()
            return
        self._at += 1
        if self._at == len(self._pattern):
            raise ValueError("it ends with \\")
        sign = self._pattern[self._at]
        if sign.lower() in _CLASSES:
            self._take(1, self._class(_CLASSES[sign.lower()], negated=sign.isupper()))
        elif found := _PROPERTY.match(self._pattern, self._at):
            self._take(found.end() - self._at, self._property(found))
        elif found := _CODE_POINT.match(self._pattern, self._at):
            code = next(group for group in found.groups() if group is not None)
            number = int(code, 8 if found.group(4) else 16)
            self._take(found.end() - self._at, f"\\U{number:08x}")
        elif found := _BACK_REFERENCE.match(self._pattern, self._at):
            self._take(found.end() - self._at, f"(?P={found.group(1)})")
        elif sign in _REWRITTEN:
            self._take(1, _REWRITTEN[sign])
        elif sign == "c" and self._at + 1 < len(self._pattern):
            self._take(2, f"\\U{ord(self._pattern[self._at + 1]) ^ 64:08x}")
        elif sign in _PLAIN_ESCAPES or sign in "123456789" or sign in "RX":
            self._take(1, f"\\{sign}")
        elif sign.isascii() and sign.isalnum():
            raise ValueError(f"\\{sign} is not known in Java")
        else:
            self._take(1, re.escape(sign) if sign != "/" else "/")

    def _quotation(self) -> None:
        end = self._pattern.find(r"\E", self._at)
        end = len(self._pattern) if end < 0 else end
        self._result.append(re.escape(self._pattern[self._at + 2 : end]))
        self._at = end + 2

    def _class(self, members: str, *, negated: bool) -> str:
        if negated:
            return f"[^{members}]"
        return members if self._class_depth else f"[{members}]"

    def _property(self, found: "re.Match[str]") -> str:
        name = found.group(2) or found.group(3)
        negated = found.group(1) == "P"
        if name in _PROPERTIES:
            return self._class(_PROPERTIES[name], negated=negated)
        return f"\\{found.group(1)}{{{name}}}"
