"""``SeriesIdentity``: what makes two points belong to the same series."""

from collections.abc import Iterable
from hashlib import blake2b
from itertools import repeat
from typing import Self

import msgspec

DIGEST_BYTES = 16

Pair = tuple[str, str]

# Its compact JSON is, byte for byte, what ``json.dumps`` makes without blanks and escapes of what
# is not ASCII: the form that the digests of stored series were made of.
_json = msgspec.json.Encoder().encode


class Head:
    """What the series of a metric have in common in one account and region.

    ``texts`` are account, region, namespace, metric, unit and kind. One object is shared by many
    series, and remembers what is made of the texts for each of them.
    """

    __slots__ = ("_json", "texts")

    def __init__(self, texts: tuple[str, str, str, str, str, str]) -> None:
        self.texts = texts
        self._json: bytes | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Head) and self.texts == other.texts

    def __hash__(self) -> int:
        return hash(self.texts)

    @property
    def json(self) -> bytes:
        """The beginning of what a series' digest is made of."""
        found = self._json
        if found is None:
            found = self._json = _json(self.texts)[:-1] + b","
        return found


class Dimensions:
    """The dimensions of series, in order; one object is shared by the series of a resource."""

    __slots__ = ("_json", "_object", "pairs")

    def __init__(self, pairs: tuple[Pair, ...]) -> None:
        self.pairs = pairs
        self._json: bytes | None = None
        self._object: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dimensions) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    @property
    def json(self) -> bytes:
        """The end of what a series' digest is made of."""
        found = self._json
        if found is None:
            found = self._json = _json(self.pairs) + b"]"
        return found

    @property
    def object(self) -> str:
        """A JSON object with sorted names, the form in which SQL keeps them."""
        found = self._object
        if found is None:
            found = self._object = _json(dict(self.pairs)).decode()
        return found


class SeriesIdentity(tuple[Head, Dimensions]):
    """(account, region, namespace, metric, sorted dimensions, unit), as CloudWatch identifies.

    The ARN of the metric stream is not part of it, nor is the format of delivery: the same data
    through another stream or in another format is the same series. ``kind`` is the point type, and
    always ``summary`` for CloudWatch. Metrics that do not come from CloudWatch have the namespace
    ``""``, and their resource attributes are among the dimensions.

    It is a pair of parts that are shared, as series come by the hundred thousand.
    """

    __slots__ = ()

    def __new__(  # noqa: PLR0917 - in the order of what identifies
        cls,
        account: str,
        region: str,
        namespace: str,
        metric: str,
        dimensions: tuple[Pair, ...],
        unit: str,
        kind: str = "summary",
    ) -> Self:
        """The identity with these parts; the dimensions may be in any order."""
        head = Head((account, region, namespace, metric, unit, kind))
        return tuple.__new__(cls, (head, Dimensions(tuple(sorted(dimensions)))))

    @classmethod
    def of(cls, head: Head, dimensions: Dimensions) -> Self:
        """The identity with parts that exist already."""
        return tuple.__new__(cls, (head, dimensions))

    @classmethod
    def of_each(cls, heads: Iterable[Head], dimensions: Iterable[Dimensions]) -> list[Self]:
        """Identities of many parts, pair by pair."""
        return list(map(tuple.__new__, repeat(cls), zip(heads, dimensions, strict=True)))

    def __getnewargs__(self) -> tuple[object, ...]:
        account, region, namespace, metric, unit, kind = self[0].texts
        return account, region, namespace, metric, self[1].pairs, unit, kind

    def __repr__(self) -> str:
        account, region, namespace, metric, unit, kind = self[0].texts
        return (
            f"SeriesIdentity({account!r}, {region!r}, {namespace!r}, {metric!r},"
            f" {self[1].pairs!r}, {unit!r}, {kind!r})"
        )

    @property
    def head(self) -> Head:
        """All but the dimensions."""
        return self[0]

    @property
    def account(self) -> str:
        """The account, empty if the source does not tell."""
        return self[0].texts[0]

    @property
    def region(self) -> str:
        """The region, empty if the source does not tell."""
        return self[0].texts[1]

    @property
    def namespace(self) -> str:
        """CloudWatch's namespace, empty for a series of another source."""
        return self[0].texts[2]

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self[0].texts[3]

    @property
    def unit(self) -> str:
        """CloudWatch's name of the unit, or another source's own."""
        return self[0].texts[4]

    @property
    def kind(self) -> str:
        """The point type."""
        return self[0].texts[5]

    @property
    def dimensions(self) -> tuple[Pair, ...]:
        """Names and values, in order."""
        return self[1].pairs

    @property
    def digest(self) -> bytes:
        """16 bytes by which SQL finds the series; equal exactly where identities are."""
        return digests_of([self])[0]

    @property
    def dimensions_json(self) -> str:
        """The dimensions as a JSON object with sorted names, the form in which SQL keeps them."""
        return self[1].object


NO_DIMENSIONS = Dimensions(())


def digests_of(identities: Iterable[SeriesIdentity]) -> list[bytes]:
    """The digests of many identities, in their order."""
    return [
        blake2b(head.json + dimensions.json, digest_size=DIGEST_BYTES).digest()
        for head, dimensions in identities
    ]
