"""How long to wait before a delivery is tried again."""

from hashlib import blake2b

FIRST_MS = 5_000
LONGEST_MS = 600_000
_JITTER = 0.25


def wait_ms(key: str, attempts: int, retry_after_seconds: float | None = None) -> int:
    """Milliseconds after the attempt with this number, from 1: twice as long each time.

    Up to a quarter is added or taken away, by a hash of the notification and the attempt, so that
    what failed together does not come again together. What the receiver asks for is the least.
    """
    doublings = min(max(attempts - 1, 0), 16)
    usual = min(FIRST_MS << doublings, LONGEST_MS)
    digest = blake2b(f"{key} {attempts}".encode(), digest_size=4).digest()
    share = int.from_bytes(digest, "big") / 0xFFFF_FFFF
    jittered = round(usual * (1 - _JITTER + 2 * _JITTER * share))
    return max(jittered, round((retry_after_seconds or 0) * 1000))
