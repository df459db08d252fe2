"""Sets of secrets that are valid at once: access keys of deliveries, tokens of readers."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whoever presented a key, by the key's name; the key itself is not in here.

    ``accounts`` are those that points may be of, None for any.
    """

    name: str
    accounts: frozenset[str] | None = None


ANYONE = KeyHolder("anonymous")
"""The holder where no key is needed."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key and who holds it; its text form does not show the key."""

    key: str = field(repr=False)
    holder: KeyHolder


class AccessKeys:
    """The set of accepted keys. Without keys everyone is accepted, with a key or not. Thread-safe.

    A text stands for a key without a name of its own.
    """

    def __init__(self, keys: Iterable[AccessKey | str]) -> None:
        self._known = _digests(keys)

    def replace(self, keys: Iterable[AccessKey | str]) -> None:
        """Accept these from now on; a request sees the old set or the new one."""
        self._known = _digests(keys)

    @property
    def required(self) -> bool:
        """Whether a key must be presented."""
        return bool(self._known)

    def holder(self, presented: bytes | None) -> KeyHolder | None:
        """Whose key the raw bytes are; every known key is compared, in constant time."""
        known = self._known
        if not known:
            return ANYONE
        digest = sha256(presented or b"").digest()
        found = None
        for of_key, holder in known:
            if hmac.compare_digest(of_key, digest):
                found = holder
        return None if presented is None else found

    def seal(self, presented: bytes, message: bytes) -> bytes | None:
        """A seal that whoever knows the presented key can make; None for a key that is not known.

        HMAC-SHA256 of the message under a key that is derived from the presented one.
        """
        if not self.required or self.holder(presented) is None:
            return None
        return _seal(sha256(presented).digest(), message)

    def sealer(self, message: bytes, seal: bytes) -> KeyHolder | None:
        """With whose key a message was sealed; every known key is tried, in constant time."""
        found = None
        for of_key, holder in self._known:
            if hmac.compare_digest(_seal(of_key, message), seal):
                found = holder
        return found


def _seal(of_key: bytes, message: bytes) -> bytes:
    # A key for this purpose alone: a seal is worth nothing where digests are compared.
    purpose = hmac.digest(of_key, b"hydrant seal 1", "sha256")
    return hmac.digest(purpose, message, "sha256")


def _digests(keys: Iterable[AccessKey | str]) -> tuple[tuple[bytes, KeyHolder], ...]:
    # Digests have one length, so the comparison's time tells nothing of the keys' lengths.
    known = [
        AccessKey(key, KeyHolder(f"key-{number}")) if isinstance(key, str) else key
        for number, key in enumerate(keys, 1)
    ]
    return tuple((sha256(key.key.encode()).digest(), key.holder) for key in known)
