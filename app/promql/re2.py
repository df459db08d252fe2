r"""RE2's syntax of regular expressions, which is Go's and Prometheus', in that of ``regex``.

RE2 has no look-around, back-references or possessive repetitions, and its classes are ASCII. What
it does not have is refused in Go's words (package regexp/syntax), so that nobody comes to rely on
it. Flags are written out at each atom, because in RE2 they hold to the end of their group, across
``|``. The result is for version 0 of ``regex``, whose case folding is simple like Go's.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Never

import regex

_WORD = "0-9A-Za-z_"
_PERL = {"d": "0-9", "s": r"\t\n\f\r ", "w": _WORD}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": _WORD,
    "xdigit": "0-9A-Fa-f",
}
_SIMPLE = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BOUNDARY = rf"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_NO_BOUNDARY = rf"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
_REPEAT = re.compile(r"\{([0-9]{1,9})(?:(,)([0-9]{1,9})?)?\}")
_CAPTURE = re.compile(r"\(\?P?<([^>]*)>")
_PROPERTY = re.compile(r"\\([pP])(?:\{(\^?)([^}]*)\}|(.))", re.DOTALL)
_OCTAL = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_HEXADECIMAL = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_MOST_REPEATED = 1_000
_DEEPEST = 100
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True, slots=True)
class _Flags:
    fold: bool = False
    lines: bool = False
    dot_all: bool = True
    lazy: bool = False


@dataclass(slots=True)
class _Atom:
    """A piece of the translation; ``repeated`` is how often something in it is repeated at most."""

    text: str
    repeated: int = 1


@dataclass(slots=True)
class _Group:
    """An open group: its branches, and the flags that hold again behind it."""

    opening: str
    flags: _Flags
    branches: list[list[_Atom]] = field(default_factory=lambda: [[]])


def translated(pattern: str, *, captures: bool = False) -> str:
    """The pattern for ``regex``, without its groups' captures unless they are wanted.

    Raises ``ValueError`` worded as Go's parser words it.
    """
    return _Translation(pattern, captures=captures).run()


class _Translation:
    def __init__(self, pattern: str, *, captures: bool) -> None:
        self._pattern = pattern
        self._captures = captures
        self._at = 0
        self._flags = _Flags()
        self._groups = [_Group("", self._flags)]
        self._names: set[str] = set()
        self._last_repeat: int | None = None

    def run(self) -> str:
        while self._at < len(self._pattern):
            self._step()
        if len(self._groups) > 1:
            _refuse("missing closing )", self._pattern)
        return _joined(self._groups[0]).text

    def _step(self) -> None:
        sign = self._pattern[self._at]
        repeats = self._last_repeat
        self._last_repeat = None
        match sign:
            case "(":
                self._open()
            case "|":
                self._groups[-1].branches.append([])
                self._at += 1
            case ")":
                self._close()
            case "^":
                self._add("(?m:^)" if self._flags.lines else r"\A", 1)
            case "$":
                self._add("(?m:$)" if self._flags.lines else r"\Z", 1)
            case ".":
                self._add("(?s:.)" if self._flags.dot_all else r"[^\n]", 1)
            case "[":
                self._class()
            case "*" | "+" | "?":
                self._repeat(sign, self._at + 1, repeats)
            case "{" if found := _REPEAT.match(self._pattern, self._at):
                self._counted(found, repeats)
            case "\\":
                self._escape()
            case _:
                self._literal(sign, self._at + 1)

    def _add(self, text: str, length: int) -> None:
        self._groups[-1].branches[-1].append(_Atom(text))
        self._at += length

    def _literal(self, sign: str, end: int) -> None:
        text = _escaped(sign)
        self._add(f"(?i:{text})" if self._flags.fold and sign.lower() != sign.upper() else text, 0)
        self._at = end

    # -- repetitions

    def _counted(self, found: "re.Match[str]", repeats: int | None) -> None:
        low, comma, high = found.groups()
        least = int(low)
        most = least if not comma else int(high) if high else -1
        if least > _MOST_REPEATED or most > _MOST_REPEATED or 0 <= most < least:
            _refuse("invalid repeat count", found.group())
        self._repeat(found.group(), found.end(), repeats, max(least, most))

    def _repeat(self, operator: str, end: int, repeats: int | None, count: int = 1) -> None:
        start = self._at
        lazy = self._flags.lazy
        if self._pattern.startswith("?", end):
            end += 1
            lazy = not lazy
        if repeats is not None:
            _refuse("invalid nested repetition operator", self._pattern[repeats:end])
        atoms = self._groups[-1].branches[-1]
        if not atoms:
            _refuse("missing argument to repetition operator", self._pattern[start:end])
        atom = atoms[-1]
        repeated = atom.repeated * max(count, 1)
        if repeated > _MOST_REPEATED:
            _refuse("invalid repeat count", self._pattern[start:end])
        atoms[-1] = _Atom(f"(?:{atom.text}){operator}{'?' if lazy else ''}", repeated)
        self._last_repeat = start
        self._at = end

    # -- groups

    def _open(self) -> None:
        rest = self._pattern[self._at :]
        if not rest.startswith("(?"):
            self._push("(" if self._captures else "(?:", self._at + 1)
        elif rest.startswith(("(?P<", "(?<")):
            found = _CAPTURE.match(rest)
            if found is None:
                _refuse("invalid named capture", rest)
            name = found.group(1)
            if not re.fullmatch(r"[A-Za-z0-9_]+", name):
                _refuse("invalid named capture", found.group())
            if name in self._names:
                _refuse("duplicate capture group name", name)
            self._names.add(name)
            self._push(f"(?P<{name}>" if self._captures else "(?:", self._at + found.end())
        else:
            self._switch()

    def _push(self, opening: str, end: int) -> None:
        if len(self._groups) > _DEEPEST:
            _refuse("expression nests too deeply", self._pattern)
        self._groups.append(_Group(opening, self._flags))
        self._at = end

    def _close(self) -> None:
        if len(self._groups) == 1:
            _refuse("unexpected )", self._pattern)
        group = self._groups.pop()
        self._flags = group.flags
        self._groups[-1].branches[-1].append(_joined(group))
        self._at += 1

    def _switch(self) -> None:
        """``(?flags)`` and ``(?flags:``."""
        start, at = self._at, self._at + 2
        flags, on, seen = self._flags, True, False
        while at < len(self._pattern):
            sign = self._pattern[at]
            at += 1
            match sign:
                case "i":
                    flags = replace(flags, fold=on)
                case "m":
                    flags = replace(flags, lines=on)
                case "s":
                    flags = replace(flags, dot_all=on)
                case "U":
                    flags = replace(flags, lazy=on)
                case "-" if on:
                    on = seen = False
                    continue
                case ":" | ")" if on or seen:
                    if sign == ":":
                        self._push("(?:", at)
                    self._flags, self._at = flags, at
                    return
                case _:
                    break
            seen = True
        _refuse("invalid or unsupported Perl syntax", self._pattern[start:at])

    # -- escapes and classes

    def _escape(self) -> None:
        following = self._pattern[self._at + 1 : self._at + 2]
        if not following:
            _refuse("trailing backslash at end of expression", "")
        if following in "AzbB":
            self._add({"A": r"\A", "z": r"\Z", "b": _BOUNDARY, "B": _NO_BOUNDARY}[following], 2)
        elif following == "Q":
            end = self._pattern.find(r"\E", self._at)
            text = self._pattern[self._at + 2 : end if end >= 0 else None]
            for sign in text:
                self._literal(sign, self._at)
            self._at = end + 2 if end >= 0 else len(self._pattern)
        elif following.lower() in _PERL:
            negated = "^" if following.isupper() else ""
            self._add(self._folded(f"[{negated}{_PERL[following.lower()]}]"), 2)
        elif following in "pP":
            text, end = self._property()
            self._add(self._folded(text), 0)
            self._at = end
        else:
            sign, end = self._escaped_sign(self._at)
            self._literal(sign, end)

    def _escaped_sign(self, at: int) -> tuple[str, int]:
        """The character that an escape stands for, and where it ends."""
        sign = self._pattern[at + 1 : at + 2]
        if not sign:
            _refuse("trailing backslash at end of expression", "")
        if sign in _SIMPLE:
            return _SIMPLE[sign], at + 2
        if found := _OCTAL.match(self._pattern, at):
            return chr(int(found.group(1), 8)), found.end()
        if found := _HEXADECIMAL.match(self._pattern, at):
            code = int(found.group(1) or found.group(2), 16)
            if code <= _LAST_CODE_POINT:
                return chr(code), found.end()
        if not sign.isascii() or sign.isalnum():
            _refuse("invalid escape sequence", self._pattern[at : at + 2])
        return sign, at + 2

    def _property(self) -> tuple[str, int]:
        r"""``\p{Greek}``, ``\PL``."""
        found = _PROPERTY.match(self._pattern, self._at)
        if found is None:
            _refuse("invalid character class range", self._pattern[self._at :])
        letter, caret, braced, single = found.groups()
        name = single or braced
        known = name == "Any" or _is_property(name)
        if not known:
            _refuse("invalid character class range", found.group())
        negated = (letter == "P") != bool(caret)
        if name == "Any":
            return rf"[{'^' if negated else ''}\x00-\U0010ffff]", found.end()
        return f"\\{'P' if negated else 'p'}{{{name}}}", found.end()

    def _class(self) -> None:
        start = self._at
        self._at += 1
        members = ["["]
        if self._pattern.startswith("^", self._at):
            members.append("^")
            self._at += 1
        first = True
        while first or not self._pattern.startswith("]", self._at):
            if self._at >= len(self._pattern):
                _refuse("missing closing ]", self._pattern[start:])
            first = False
            members.append(self._member(start))
        self._at += 1
        self._add(self._folded("".join([*members, "]"])), 0)

    def _member(self, start: int) -> str:
        rest = self._pattern[self._at : self._at + 12]
        if rest.startswith("[:") and (end := rest.find(":]", 2)) > 0:
            name = rest[2:end]
            negated = name.startswith("^")
            if name.removeprefix("^") not in _POSIX:
                _refuse("invalid character class range", rest[: end + 2])
            self._at += end + 2
            members = _POSIX[name.removeprefix("^")]
            return _without(members) if negated else members
        following = rest[1:2]
        if rest.startswith("\\") and following and following.lower() in _PERL:
            self._at += 2
            members = _PERL[following.lower()]
            return _without(members) if following.isupper() else members
        if rest.startswith("\\") and following and following in "pP":
            text, self._at = self._property()
            return text.strip("[]") if text.startswith("[") else text
        begin = self._at
        low = self._class_sign(start)
        if self._pattern.startswith("-", self._at) and self._pattern[self._at + 1 :][:1] not in {
            "",
            "]",
        }:
            self._at += 1
            high = self._class_sign(start)
            if high < low:
                _refuse("invalid character class range", self._pattern[begin : self._at])
            return f"{_escaped(low)}-{_escaped(high)}"
        return _escaped(low)

    def _class_sign(self, start: int) -> str:
        if self._at >= len(self._pattern):
            _refuse("missing closing ]", self._pattern[start:])
        if self._pattern[self._at] == "\\":
            sign, self._at = self._escaped_sign(self._at)
            return sign
        self._at += 1
        return self._pattern[self._at - 1]

    def _folded(self, text: str) -> str:
        return f"(?i:{text})" if self._flags.fold else text


def _joined(group: _Group) -> _Atom:
    atoms = [atom for branch in group.branches for atom in branch]
    text = "|".join("".join(atom.text for atom in branch) for branch in group.branches)
    repeated = max((atom.repeated for atom in atoms), default=1)
    return _Atom(f"{group.opening}{text})" if group.opening else text, repeated)


def _escaped(sign: str) -> str:
    if sign.isascii() and sign.isalnum():
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\U{code:08x}"  # noqa: PLR2004


def _without(members: str) -> str:
    """The members of an ASCII class turned round, as ranges of a class."""
    inside = regex.compile(f"[{members}]")
    outside = [code for code in range(128) if not inside.match(chr(code))]
    return "".join(f"\\x{code:02x}" for code in outside) + r"\x80-\U0010ffff"


def _is_property(name: str) -> bool:
    """Whether Go knows a Unicode class: a general category or a script, spelt in full."""
    if re.fullmatch(r"[CLMNPSZ][a-z]?", name) is None and not re.fullmatch(
        r"[A-Z][a-z]+(?:_[A-Z][a-z]+)*", name
    ):
        return False
    try:
        regex.compile(f"\\p{{{name if len(name) <= 2 else 'Script=' + name}}}")  # noqa: PLR2004
    except regex.error:
        return False
    return True


def _refuse(reason: str, part: str) -> Never:
    raise ValueError(f"error parsing regexp: {reason}: `{part}`")
