"""Requests that were refused for their access key: who claims to send them, never the key."""

import ipaddress
from dataclasses import dataclass, field
from typing import NamedTuple

from app.streams.counts import Part
from app.streams.identity import firehose_arn

MOST_REFUSED = 100
"""Kinds of refused requests that are kept apart; whoever sends them can claim anything."""
OTHER_SOURCE = "other"


class RefusedKey(NamedTuple):
    """``source`` is the Firehose's ARN as claimed, or empty; ``address`` a class of addresses.

    ``reason`` is ``missing`` or ``wrong``, ``route`` that of the request: ``firehose`` or ``otlp``.
    """

    route: str
    source: str
    address: str
    reason: str


_OTHERS = RefusedKey(OTHER_SOURCE, OTHER_SOURCE, OTHER_SOURCE, OTHER_SOURCE)


def refused_key(route: str, source: str, host: str | None, reason: str) -> RefusedKey:
    """The key of a refused request; ``host`` is the address that it came from."""
    return RefusedKey(route, firehose_arn(source), _address_class(host), reason)


def _address_class(host: str | None) -> str:
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return "unknown"
    if address.is_loopback:
        return "loopback"
    return "private" if address.is_private else "public"


@dataclass(slots=True)
class Refusals:
    """Refused requests by key: ``MOST_REFUSED`` keys, and one for all others.

    Those without a source are always kept apart. They are few, and among the others nobody could
    tell a scan of the internet from a Firehose whose key is wrong.
    """

    of: dict[RefusedKey, Part] = field(default_factory=dict)

    def add(self, key: RefusedKey, part: Part) -> None:
        """Count requests."""
        if key not in self.of and self._is_full_for(key):
            key = _OTHERS
        known = self.of.get(key)
        if known is None:
            self.of[key] = Part(part.since_ms, part.last_ms, part.occurrences)
        else:
            known.add(part)

    def folded(self, stored: "Refusals") -> "Refusals":
        """These under the keys that they have among those that are ``stored`` already."""
        together = Refusals(dict(stored.of))
        folded = Refusals()
        for key, part in self.of.items():
            if key not in together.of and together._is_full_for(key):
                folded.add(_OTHERS, part)
            else:
                together.of.setdefault(key, part)
                folded.add(key, part)
        return folded

    def _is_full_for(self, key: RefusedKey) -> bool:
        return bool(key.source) and len(self.of) >= MOST_REFUSED
