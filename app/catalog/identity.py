"""``SeriesIdentity``: what makes two points belong to the same series."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

DIGEST_BYTES = 16

# Its compact JSON is, byte for byte, what ``json.dumps`` makes without blanks and escapes of what
# is not ASCII: the form that the digests of stored series were made of.
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, init=False)
class SeriesIdentity:
    """(account, region, namespace, metric, sorted dimensions, unit), as CloudWatch identifies.

    The ARN of the metric stream is not part of it, nor is the format of delivery: the same data
    through another stream or in another format is the same series. ``kind`` is the point type, and
    always ``summary`` for CloudWatch. Metrics that do not come from CloudWatch have the namespace
    ``""``, and their resource attributes are among the dimensions.
    """

    account: str
    region: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    kind: str = "summary"
    _digest: bytes | None = field(init=False, repr=False, compare=False, default=None)

    def __init__(  # noqa: PLR0917 - as the class's fields stand
        self,
        account: str,
        region: str,
        namespace: str,
        metric: str,
        dimensions: tuple[tuple[str, str], ...],
        unit: str,
        kind: str = "summary",
    ) -> None:
        # A frozen class sets its fields past itself; the slots' own setters take half the time.
        _set_account(self, account)
        _set_region(self, region)
        _set_namespace(self, namespace)
        _set_metric(self, metric)
        ordered = tuple(sorted(dimensions)) if len(dimensions) > 1 else tuple(dimensions)
        # Those in order stay the same object, which the series of a resource share.
        _set_dimensions(self, dimensions if ordered == dimensions else ordered)
        _set_unit(self, unit)
        _set_kind(self, kind)
        _set_digest(self, None)

    @property
    def digest(self) -> bytes:
        """16 bytes by which SQL finds the series; equal exactly where identities are."""
        digest = self._digest
        if digest is None:
            parts = (
                self.account,
                self.region,
                self.namespace,
                self.metric,
                self.unit,
                self.kind,
                self.dimensions,
            )
            digest = blake2b(_json(parts), digest_size=DIGEST_BYTES).digest()
            _set_digest(self, digest)
        return digest

    @property
    def dimensions_json(self) -> str:
        """The dimensions as a JSON object with sorted names, the form in which SQL keeps them."""
        return _json(dict(self.dimensions)).decode()


def _setter(name: str) -> Callable[[SeriesIdentity, object], None]:
    setter: Callable[[SeriesIdentity, object], None] = vars(SeriesIdentity)[name].__set__
    return setter


_set_account = _setter("account")
_set_region = _setter("region")
_set_namespace = _setter("namespace")
_set_metric = _setter("metric")
_set_dimensions = _setter("dimensions")
_set_unit = _setter("unit")
_set_kind = _setter("kind")
_set_digest = _setter("_digest")
