"""Methods of texts, arrays, maps and enumerations inside closures, as Java has them."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.mal.patterns import Pattern
from app.mal.values import LONGEST_TEXT, ClosureError, EnumName, Value, kind_of, text_of

MOST_PIECES = 1_024
"""Elements of an array that ``split`` may make."""

Compile = Callable[[str], Pattern]
"""Compiles the regular expression that a method is given."""

_WHITESPACE_OF_TRIM = "".join(map(chr, range(33)))


@dataclass(frozen=True, slots=True)
class Method:
    """A method.

    ``parameters`` has a letter per argument: t for a text, k for a text or null, i for an integer,
    r for a regular expression, v for any value.
    """

    parameters: str
    run: Callable[..., Value]

    def call(self, receiver: Value, arguments: list[Value], compile_regex: Compile) -> Value:
        """The method's result. Raises ``ClosureError`` for arguments that do not fit."""
        given: list[Any] = []
        for position, (kind, argument) in enumerate(
            zip(self.parameters, arguments, strict=True), start=1
        ):
            if not isinstance(argument, str) and (
                kind in "tr" or (kind == "k" and argument is not None)
            ):
                raise ClosureError(f"argument {position} is {kind_of(argument)}, not a text")
            if kind == "i" and (isinstance(argument, bool) or not isinstance(argument, int)):
                raise ClosureError(f"argument {position} is {kind_of(argument)}, not an integer")
            given.append(compile_regex(str(argument)) if kind == "r" else argument)
        return self.run(receiver, *given)


def methods_named(name: str, arity: int) -> Mapping[type, Method]:
    """The methods that a call may mean, by the type of what it is called on."""
    return {
        kind: methods[name, arity] for kind, methods in METHODS.items() if (name, arity) in methods
    }


def arities_of(name: str) -> set[int]:
    """How many arguments methods of this name take; empty if there is none."""
    return {arity for methods in METHODS.values() for known, arity in methods if known == name}


def _char_at(text: str, index: int) -> str:
    if not 0 <= index < len(text):
        raise ClosureError(f"charAt({index}) of a text of {len(text)} characters")
    return text[index]


def _substring(text: str, begin: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= begin <= last <= len(text):
        raise ClosureError(f"substring({begin}, {last}) of a text of {len(text)} characters")
    return text[begin:last]


def _index_of(text: str, part: str, start: int = 0) -> int:
    start = max(start, 0)
    return text.find(part, start) if start <= len(text) else (-1 if part else len(text))


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(part)
    return -1 if start < 0 else text.rfind(part, 0, start + len(part))


def _bounded(size: int) -> None:
    if size > LONGEST_TEXT:
        raise ClosureError(f"the text would grow beyond {LONGEST_TEXT} characters")


def _concat(text: str, other: str) -> str:
    _bounded(len(text) + len(other))
    return text + other


def _replace(text: str, old: str, new: str) -> str:
    _bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _repeat(text: str, count: int) -> str:
    if count < 0:
        raise ClosureError(f"repeat({count}): the count is negative")
    _bounded(len(text) * count)
    return text * count


def _starts_with(text: str, prefix: str, offset: int = 0) -> bool:
    return 0 <= offset <= len(text) and text.startswith(prefix, offset)


def _compare(left: str, right: str) -> int:
    shorter = min(len(left), len(right))
    same = bisect_left(range(1, shorter + 1), True, key=lambda end: left[:end] != right[:end])
    if same == shorter:
        return len(left) - len(right)
    return ord(left[same]) - ord(right[same])


def _hash_code(text: str) -> int:
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2").astype(np.uint32)
    powers = np.full(len(units), 31, np.uint32)
    powers[:1] = 1
    # Unsigned integers of numpy wrap around, as Java's do.
    result = int((units * powers.cumprod(dtype=np.uint32)[::-1]).sum(dtype=np.uint32))
    return result - (1 << 32) if result >> 31 else result


def _replace_all(text: str, pattern: Pattern, replacement: str, most: int = 0) -> str:
    return pattern.replaced(text, replacement, most=most, longest=LONGEST_TEXT)


def _split(text: str, pattern: Pattern, limit: int = 0) -> Value:
    return list(pattern.split(text, limit, MOST_PIECES))


def _put(labels: dict[str, Value], key: str, value: Value) -> Value:
    if value is None:
        raise ClosureError(f"label {key} would become null")
    previous = labels.get(key)
    labels[key] = text_of(value)
    return previous


def _put_if_absent(labels: dict[str, Value], key: str, value: Value) -> Value:
    return labels[key] if key in labels else _put(labels, key, value)


_TEXT: Mapping[tuple[str, int], Method] = {
    ("charAt", 1): Method("i", _char_at),
    ("codePointAt", 1): Method("i", lambda text, index: ord(_char_at(text, index))),
    ("compareTo", 1): Method("t", _compare),
    ("compareToIgnoreCase", 1): Method("t", lambda a, b: _compare(a.lower(), b.lower())),
    ("concat", 1): Method("t", _concat),
    ("contains", 1): Method("t", lambda text, part: part in text),
    ("contentEquals", 1): Method("t", lambda text, other: text == other),
    ("endsWith", 1): Method("t", lambda text, suffix: text.endswith(suffix)),
    ("equals", 1): Method("v", lambda text, other: text == other),
    ("equalsIgnoreCase", 1): Method(
        "v", lambda text, other: isinstance(other, str) and text.lower() == other.lower()
    ),
    ("hashCode", 0): Method("", _hash_code),
    ("indexOf", 1): Method("t", _index_of),
    ("indexOf", 2): Method("ti", _index_of),
    ("intern", 0): Method("", lambda text: text),
    ("isBlank", 0): Method("", lambda text: not text.strip()),
    ("isEmpty", 0): Method("", lambda text: not text),
    ("lastIndexOf", 1): Method("t", _last_index_of),
    ("lastIndexOf", 2): Method("ti", _last_index_of),
    ("length", 0): Method("", len),
    ("matches", 1): Method("r", lambda text, pattern: pattern.matches(text)),
    ("repeat", 1): Method("i", _repeat),
    ("replace", 2): Method("tt", _replace),
    ("replaceAll", 2): Method("rt", _replace_all),
    ("replaceFirst", 2): Method("rt", lambda text, old, new: _replace_all(text, old, new, 1)),
    ("size", 0): Method("", len),
    ("split", 1): Method("r", _split),
    ("split", 2): Method("ri", _split),
    ("startsWith", 1): Method("t", _starts_with),
    ("startsWith", 2): Method("ti", _starts_with),
    ("strip", 0): Method("", lambda text: text.strip()),
    ("stripLeading", 0): Method("", lambda text: text.lstrip()),
    ("stripTrailing", 0): Method("", lambda text: text.rstrip()),
    ("subSequence", 2): Method("ii", _substring),
    ("substring", 1): Method("i", _substring),
    ("substring", 2): Method("ii", _substring),
    ("toLowerCase", 0): Method("", lambda text: text.lower()),
    ("toString", 0): Method("", lambda text: text),
    ("toUpperCase", 0): Method("", lambda text: text.upper()),
    ("trim", 0): Method("", lambda text: text.strip(_WHITESPACE_OF_TRIM)),
}
_ENUM: Mapping[tuple[str, int], Method] = {("name", 0): Method("", str)}
_MAP: Mapping[tuple[str, int], Method] = {
    ("containsKey", 1): Method("k", lambda labels, key: key in labels),
    ("containsValue", 1): Method("v", lambda labels, value: value in labels.values()),
    ("get", 1): Method("k", lambda labels, key: labels.get(key)),
    ("getOrDefault", 2): Method("kv", lambda labels, key, other: labels.get(key, other)),
    ("isEmpty", 0): Method("", lambda labels: not labels),
    ("put", 2): Method("tv", _put),
    ("putIfAbsent", 2): Method("tv", _put_if_absent),
    ("remove", 1): Method("k", lambda labels, key: labels.pop(key, None)),
    ("size", 0): Method("", len),
}
_ARRAY: Mapping[tuple[str, int], Method] = {("size", 0): Method("", len)}
_SCALAR: Mapping[tuple[str, int], Method] = {
    ("equals", 1): Method("v", lambda value, other: value == other),
    ("toString", 0): Method("", text_of),
}

METHODS: Final[Mapping[type, Mapping[tuple[str, int], Method]]] = {
    EnumName: {**_TEXT, **_ENUM},
    str: _TEXT,
    dict: _MAP,
    list: _ARRAY,
    int: _SCALAR,
    float: _SCALAR,
    bool: _SCALAR,
}
