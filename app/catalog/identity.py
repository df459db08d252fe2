"""``SeriesIdentity``: what makes two points belong to the same series."""

import json
from dataclasses import dataclass, field
from hashlib import blake2b

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
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
    digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", tuple(sorted(self.dimensions)))
        parts = [
            self.account,
            self.region,
            self.namespace,
            self.metric,
            self.unit,
            self.kind,
            self.dimensions,
        ]
        text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        digest = blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
        object.__setattr__(self, "digest", digest)

    @property
    def dimensions_json(self) -> str:
        """The dimensions as a JSON object with sorted names, the form in which SQL keeps them."""
        return json.dumps(dict(self.dimensions), ensure_ascii=False, separators=(",", ":"))
