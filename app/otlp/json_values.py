"""Values of OTLP's JSON, checked one by one so that a wrong one costs only what holds it.

The mapping is protobuf's: 64-bit integers as decimal texts or numbers, doubles as numbers or the
texts ``NaN``, ``Infinity`` and ``-Infinity``, bytes in base64, null as absent. Every function
raises ``RejectedPoint`` naming the member.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import pybase64

from app.errors import InvalidRequest
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason

T = TypeVar("T")

_LONGEST_INTEGER = 20
_MOST_OBJECTS = 1_500_000
_MOST_MEMBERS = 4_000_000
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,1100})?(?:[eE][+-]?[0-9]{1,5})?")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class RepeatedMember:
    """An object in which a name occurs twice: which value was meant cannot be told."""

    name: str


def parse_body(body: bytes) -> Mapping[str, object]:
    """The object that a body is. Raises ``InvalidRequest``."""
    # An object is two bytes of a body and hundreds in memory.
    if body.count(b"{") > _MOST_OBJECTS or body.count(b",") > _MOST_MEMBERS:
        raise InvalidRequest(
            f"more than {_MOST_OBJECTS} objects or {_MOST_MEMBERS} members in one body; send"
            " smaller requests, such as send_batch_max_size of the Collector's batch processor"
        )
    try:
        # Not msgspec, which keeps the last of two members of one name without saying so.
        parsed = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_int=_integer_or_infinity,
            parse_constant=_refuse_constant,
        )
    except RecursionError as error:
        raise InvalidRequest("the body is not OTLP JSON: it is nested too deep") from error
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ones.
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    if isinstance(parsed, RepeatedMember):
        raise InvalidRequest(f"the body is not OTLP JSON: {parsed.name!r} is given twice")
    if not isinstance(parsed, dict):
        raise InvalidRequest(f"the body is not OTLP JSON: it is {_described(parsed)}, no object")
    return parsed


def members(value: object, what: str) -> Mapping[str, object]:
    """An object."""
    if isinstance(value, RepeatedMember):
        _reject(f"{what} has the member {value.name[:80]!r} twice")
    if not isinstance(value, dict):
        _reject(f"{what} is {_described(value)}, no object")
    return value


def items(value: object, what: str) -> Sequence[object]:
    """A list; null has no items."""
    if value is None:
        return []
    if not isinstance(value, list):
        _reject(f"{what} is {_described(value)}, no list")
    return value


def text(value: object, what: str) -> str:
    """A text that UTF-8 can hold; null is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        _reject(f"{what} is {_described(value)}, no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        _reject(f"{what} holds half of a surrogate pair")
    return value


def boolean(value: object, what: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        _reject(f"{what} is {_described(value)}, neither true nor false")
    return value


def double(value: object, what: str) -> float:
    """A number, or its text; what is beyond doubles is infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        _reject(f"{what} is {_described(value)}, no number")
    if isinstance(value, str):
        if value in _NOT_FINITE:
            return _NOT_FINITE[value]
        if not _NUMBER.fullmatch(value):
            _reject(f"{what} is {_described(value)}, no number")
    return float(value)


def _integers(lowest: int, highest: int) -> Callable[[object, str], int]:
    def integer(value: object, what: str) -> int:
        found: int | None = None
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            found = int(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            # Protobuf's mapping allows 5.0 and 5e2 for integers.
            found = int(value) if math.isfinite(value) and value == int(value) else None
        if found is None:
            _reject(f"{what} is {_described(value)}, no integer")
        if not lowest <= found <= highest:
            _reject(f"{what} is {found}, outside {lowest} to {highest}")
        return found

    return integer


signed_32 = _integers(-(2**31), 2**31 - 1)
signed_64 = _integers(-(2**63), 2**63 - 1)
unsigned_32 = _integers(0, 2**32 - 1)
unsigned_64 = _integers(0, 2**64 - 1)


def base64_bytes(value: object, what: str) -> bytes:
    """Bytes in base64."""
    try:
        return pybase64.b64decode(text(value, what), validate=True)
    except ValueError as error:
        raise RejectedPoint(Reason.JSON, f"{what} is not base64: {error}") from error


def list_of(convert: Callable[[object, str], T]) -> Callable[[object, str], list[T]]:
    """A conversion for lists of what ``convert`` takes."""

    def converted(value: object, what: str) -> list[T]:
        return [convert(item, what) for item in items(value, what)]

    return converted


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | RepeatedMember:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return RepeatedMember(repeated)


def _integer_or_infinity(digits: str) -> int | float:
    # Python refuses to read thousands of digits; no such number is an integer of OTLP.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} stands without quotes; in OTLP it is the text "{name}"')


def _described(value: object) -> str:
    if isinstance(value, RepeatedMember):
        return f"an object with {value.name[:80]!r} twice"
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return f"the text {value[:80]!r}"
        case _:
            return f"the number {value}"


def _reject(detail: str) -> NoReturn:
    raise RejectedPoint(Reason.JSON, detail)
