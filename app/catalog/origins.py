"""Where the points of a series come from: the metric stream, the format, the namespace.

None of it is part of a series' identity. It is found out once for each slot and kept as a small
number, so that the points of a delivery are counted by origin with a few operations on columns.
"""

import threading
from enum import StrEnum
from typing import NamedTuple

import msgspec

from app.catalog.identity import SeriesIdentity
from app.otlp import Format, RawSeries
from app.otlp.descriptor import Resource

_EXPORTER_ARN = "aws.exporter.arn"
_MOST_REMEMBERED = 100_000
_MOST_FOUND = 10_000
_decode_name = msgspec.json.Decoder(str).decode


class Labels(StrEnum):
    """What the labels of a point say."""

    DIMENSIONS = "dimensions"
    NO_DIMENSIONS = "no_dimensions"
    MISSING = "missing"
    """Not even Namespace and MetricName, which CloudWatch always sends."""


class Origin(NamedTuple):
    """``stream`` is the metric stream's ARN or, in JSON, its name; empty when none is told."""

    account: str
    region: str
    stream: str
    format: Format
    namespace: str
    labels: Labels


class Origins:
    """The origins of a table of slots, numbered from 0. Thread-safe."""

    def __init__(self) -> None:
        self._numbers: dict[Origin, int] = {}
        self._origins: list[Origin] = []
        self._arns: dict[bytes, str] = {}
        self._first_stream: dict[tuple[str, str, str, str], str] = {}
        self._shared: set[tuple[str, str, str, str]] = set()
        self._found: dict[tuple[object, ...], int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._origins)

    def __getitem__(self, number: int) -> Origin:
        return self._origins[number]

    def number(self, raw: RawSeries, identity: SeriesIdentity) -> int:
        """The number of a series' origin."""
        # All that it depends on, but no dimensions: what many series have in common.
        key = (
            raw.resource,
            raw.labels[2:] if raw.format is Format.JSON else (),
            id(raw.format),
            identity.account,
            identity.region,
            identity.namespace,
            identity.metric,
            bool(identity.dimensions),
        )
        number = self._found.get(key)
        if number is None:
            number = self._number(raw, identity)
            with self._lock:
                if len(self._found) >= _MOST_FOUND:
                    self._found.clear()
                self._found[key] = number
        return number

    def _number(self, raw: RawSeries, identity: SeriesIdentity) -> int:
        if raw.format is Format.JSON:
            stream = _json_name(raw.labels)
        else:
            known = self._arns.get(raw.resource)
            stream = self._exporter_arn(raw.resource) if known is None else known
        labels = Labels.DIMENSIONS if identity.dimensions else Labels.NO_DIMENSIONS
        if not identity.namespace:
            labels = Labels.MISSING
        origin = Origin(
            identity.account, identity.region, stream, raw.format, identity.namespace, labels
        )
        with self._lock:
            self._remember_metric(identity, stream)
            number = self._numbers.get(origin)
            if number is None:
                number = self._numbers[origin] = len(self._origins)
                self._origins.append(origin)
            return number

    def is_shared(self, origin: Origin) -> bool:
        """Whether another stream has delivered a metric of this stream and namespace too.

        A stream's filters choose metrics by name and nothing finer, so two streams that deliver a
        metric of one account and region deliver the same series.
        """
        return (origin.account, origin.region, origin.namespace, origin.stream) in self._shared

    def _remember_metric(self, identity: SeriesIdentity, stream: str) -> None:
        if not stream or not identity.namespace:
            return
        if len(self._first_stream) >= _MOST_REMEMBERED:
            self._first_stream.clear()
            self._found.clear()
        place = (identity.account, identity.region, identity.namespace)
        first = self._first_stream.setdefault((*place, identity.metric), stream)
        if first != stream:
            self._shared.update(((*place, first), (*place, stream)))

    def _exporter_arn(self, resource: bytes) -> str:
        """``describe`` has read the resource already, so its bytes are sound."""
        arn = ""
        for attribute in Resource.FromString(resource).attributes:
            if attribute.key == _EXPORTER_ARN:
                arn = attribute.value.string_value.replace("\0", "")
                break
        with self._lock:
            if len(self._arns) >= _MOST_REMEMBERED:
                self._arns.clear()
            self._arns[resource] = arn
        return arn


def _json_name(labels: tuple[bytes, ...]) -> str:
    try:
        return _decode_name(labels[2]).replace("\0", "")
    except (IndexError, msgspec.DecodeError, UnicodeDecodeError):
        return ""
