"""How often a client may give a wrong token."""

import ipaddress
import threading
from collections import OrderedDict

from app.clock import Clock
from app.errors import TooManyRequests

MOST_A_MINUTE = 10
_SECONDS = 60.0
_MOST_CLIENTS = 10_000
_IPV6_NETWORK_BITS = 64


class SignInAttempts:
    """Wrong tokens by client, over the last minute or so. Thread-safe.

    A client is an IPv4 address or an IPv6 network of 64 bits, all of which one host can have. The
    least recent of very many are forgotten.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raise ``TooManyRequests`` for a client that has no attempt left."""
        now = self._clock.monotonic()
        with self._lock:
            since, number = self._failed.get(_client(address), (now, 0))
        left = _SECONDS - (now - since)
        if number >= MOST_A_MINUTE and left > 0:
            raise TooManyRequests(
                f"{MOST_A_MINUTE} wrong tokens within a minute; try again after a minute",
                reason="sign_ins",
                retry_after_seconds=int(left) + 1,
            )

    def failed(self, address: str) -> None:
        """Count a wrong token."""
        now, client = self._clock.monotonic(), _client(address)
        with self._lock:
            since, number = self._failed.pop(client, (now, 0))
            self._failed[client] = (now, 1) if now - since >= _SECONDS else (since, number + 1)
            while len(self._failed) > _MOST_CLIENTS:
                self._failed.popitem(last=False)


def _client(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, _IPV6_NETWORK_BITS), strict=False))
