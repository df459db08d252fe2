"""Sessions of browsers: a text that stands for a token for some hours, and is kept nowhere.

``base64url(version, begin, random bytes, seal)``: the seal is made with the token that was given at
sign-in, so every server with that token takes the session, and none once the token is removed.
"""

import base64
import binascii
import secrets
import struct
from dataclasses import dataclass

from app.clock import MILLISECONDS_PER_MINUTE
from app.credentials.keys import AccessKeys, KeyHolder

_HEAD = struct.Struct(">BQ16s")
_VERSION = 1
_SEAL_BYTES = 32
_BYTES = _HEAD.size + _SEAL_BYTES
_TEXT_LENGTH = 4 * _BYTES // 3
# What the clocks of two servers behind one proxy may be apart.
_SKEW_MS = 5 * MILLISECONDS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Session:
    """Who has signed in. ``operator`` is None for those who may only read."""

    holder: KeyHolder
    operator: KeyHolder | None


class Sessions:
    """Makes and checks sessions against the tokens that are accepted now. Thread-safe."""

    def __init__(self, readers: AccessKeys, operators: AccessKeys, *, hours: int) -> None:
        self._readers = readers
        self._operators = operators
        self.seconds = hours * 3600

    def begin(self, token: bytes, now_ms: int) -> str | None:
        """A new session of the holder of a token; None for a token that is not accepted."""
        head = _HEAD.pack(_VERSION, now_ms, secrets.token_bytes(16))
        # Both sets are asked whichever has it, so that the time tells nothing.
        seals = self._operators.seal(token, head), self._readers.seal(token, head)
        seal = seals[0] or seals[1]
        return None if seal is None else base64.urlsafe_b64encode(head + seal).decode()

    def find(self, text: str | None, now_ms: int) -> Session | None:
        """The session of a text; None for one that is over, is not ours, or whose token is gone."""
        content = _decoded(text)
        if content is None:
            return None
        head, seal = content[: _HEAD.size], content[_HEAD.size :]
        operator = self._operators.sealer(head, seal)
        holder = self._readers.sealer(head, seal) or operator
        version, begin_ms, _ = _HEAD.unpack(head)
        lasted_ms = now_ms - begin_ms
        if holder is None or version != _VERSION:
            return None
        if not -_SKEW_MS <= lasted_ms < self.seconds * 1000:
            return None
        return Session(holder, operator)


def _decoded(text: str | None) -> bytes | None:
    if text is None or len(text) != _TEXT_LENGTH or not text.isascii():
        return None
    try:
        content = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # The decoder also takes the letters of plain base64; there is one text for each content.
    return content if base64.urlsafe_b64encode(content).decode() == text else None
