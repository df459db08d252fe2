"""Protobuf as a tree of fields, changed and written again with lengths that fit.

Byte mutations mostly break the framing and stop at the door; a tree that is changed as a tree gets
to the rooms behind it.
"""

import random
from dataclasses import dataclass, field

from app.simulator.wire import varint

_NUMBERS = (0, 1, -1, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
_DEPTH = 12
_MOST_BYTES = 1 << 20
# OpenTelemetry's messages use low numbers; the others must be passed over.
_FIELDS = (*range(1, 16), 100, 2**29 - 1)
_TEXTS = (b"", b"\0", b"\xff\xfe", b"Namespace", b"Dimensions", b"AWS/DynamoDB", "ü€".encode())
_DOUBLES = tuple(bytes.fromhex(text) for text in ("000000000000f07f", "010000000000f87f", "00" * 8))


@dataclass
class Field:
    """A field: number, wire type, and what it holds."""

    number: int
    kind: int
    value: int | bytes | list["Field"]


def parse(data: bytes, depth: int = 0) -> list[Field] | None:
    """The fields of a message; None for bytes that are no message."""
    fields: list[Field] = []
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind, number = tag & 7, tag >> 3
        if position < 0 or number == 0:
            return None
        match kind:
            case 0:
                value, position = _varint(data, position)
                fields.append(Field(number, kind, value))
            case 1 | 5:
                size = 8 if kind == 1 else 4
                fields.append(Field(number, kind, data[position : position + size]))
                position += size
            case 2:
                size, position = _varint(data, position)
                held = data[position : position + size]
                position += size
                inner = parse(held, depth + 1) if held and depth < _DEPTH else None
                fields.append(Field(number, kind, held if inner is None else inner))
            case _:
                return None
        if not 0 < position <= len(data):
            return None
    return fields


def render(fields: list[Field]) -> bytes:
    """The bytes of a message."""
    parts = []
    for item in fields:
        parts.append(varint(item.number << 3 | item.kind))
        if isinstance(item.value, int):
            parts.append(varint(item.value % 2**64))
            continue
        held = item.value if isinstance(item.value, bytes) else render(item.value)
        parts.append(varint(len(held)) + held if item.kind == 2 else held)
    return b"".join(parts)


@dataclass
class Mutator:
    """Changes messages; what it draws depends on the generator alone."""

    rng: random.Random
    _places: list[tuple[list[Field], int]] = field(default_factory=list)

    def mutate(self, fields: list[Field]) -> None:
        """Change a message somewhere, in place."""
        self._places = []
        self._collect(fields)
        if not self._places:
            fields.append(self._fresh())
            return
        holder, index = self.rng.choice(self._places)
        change = self.rng.choice(
            (
                *(self._drop, self._repeat, self._number, self._kind, self._value, self._insert),
                *(self._graft, self._nest, self._shuffle),
            )
        )
        change(holder, index)

    def _collect(self, fields: list[Field]) -> None:
        for index, item in enumerate(fields):
            self._places.append((fields, index))
            if isinstance(item.value, list):
                self._collect(item.value)

    def _drop(self, holder: list[Field], index: int) -> None:
        del holder[index]

    def _repeat(self, holder: list[Field], index: int) -> None:
        holder[index:index] = [holder[index]] * self.rng.choice((1, 2, 50))

    def _number(self, holder: list[Field], index: int) -> None:
        item = holder[index]
        holder[index] = Field(self.rng.choice(_FIELDS), item.kind, item.value)

    def _kind(self, holder: list[Field], index: int) -> None:
        fresh = self._fresh()
        holder[index] = Field(holder[index].number, fresh.kind, fresh.value)

    def _value(self, holder: list[Field], index: int) -> None:
        item = holder[index]
        if isinstance(item.value, int):
            value: int | bytes = self.rng.choice(_NUMBERS)
        elif item.kind == 1:
            value = self.rng.choice((*_DOUBLES, self.rng.randbytes(8)))
        elif item.kind == 5:
            value = self.rng.randbytes(4)
        else:
            value = self.rng.choice((*_TEXTS, self.rng.randbytes(self.rng.randrange(40))))
        holder[index] = Field(item.number, item.kind, value)

    def _insert(self, holder: list[Field], index: int) -> None:
        holder.insert(index, self._fresh())

    def _graft(self, holder: list[Field], index: int) -> None:
        """What stands elsewhere in the message stands here too."""
        other, place = self.rng.choice(self._places)
        if place < len(other) and len(render([other[place]])) < _MOST_BYTES:
            # Bytes, for a branch must not become its own twig.
            grown = parse(render([other[place]]))
            holder[index:index] = grown or []

    def _nest(self, holder: list[Field], index: int) -> None:
        item = holder[index]
        value = item.value
        for _ in range(self.rng.choice((1, 3, 40, 400))):
            value = render([Field(item.number, item.kind, value)]) if item.kind == 2 else value
        holder[index] = Field(item.number, item.kind, value)

    def _shuffle(self, holder: list[Field], _index: int) -> None:
        self.rng.shuffle(holder)

    def _fresh(self) -> Field:
        number = self.rng.choice(_FIELDS)
        match self.rng.choice((0, 1, 2, 5)):
            case 0:
                return Field(number, 0, self.rng.choice(_NUMBERS))
            case 1:
                return Field(number, 1, self.rng.choice(_DOUBLES))
            case 5:
                return Field(number, 5, self.rng.randbytes(4))
            case _:
                return Field(number, 2, self.rng.choice(_TEXTS))


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A varint and the position behind it; -1 where there is none."""
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
    return 0, -1
