"""Access keys: who may deliver.

Firehose sends its key verbatim in ``X-Amz-Firehose-Access-Key``, and no header at all when none is
configured (AWS Firehose guide, HTTP endpoint delivery specifications, request format). Several keys
are valid at once, because a retry after a rotation may carry the new key or the old one.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256

from app.errors import Unauthorized


class AccessKeys:
    """The set of accepted keys. Without keys every delivery is accepted, header or not."""

    def __init__(self, keys: Iterable[str]) -> None:
        # Digests have one length, so the comparison's time tells nothing of the keys' lengths.
        self._digests = [sha256(key.encode()).digest() for key in keys]

    @property
    def required(self) -> bool:
        """Whether a delivery must carry a key."""
        return bool(self._digests)

    def accepts(self, presented: bytes | None) -> bool:
        """Whether the raw bytes are a key; every configured key is compared, in constant time."""
        if not self._digests:
            return True
        digest = sha256(presented or b"").digest()
        matches = 0
        for known in self._digests:
            matches += hmac.compare_digest(known, digest)
        return bool(matches) and presented is not None

    def check(self, presented: bytes | None) -> None:
        """Accept the raw bytes of Firehose's header or raise ``Unauthorized``.

        A missing header is a wrong key.
        """
        if self.accepts(presented):
            return
        if presented is None:
            raise Unauthorized(
                "the X-Amz-Firehose-Access-Key header is missing;"
                " set the access key in the Firehose destination settings"
            )
        raise Unauthorized(
            "the access key is not one of those configured here;"
            " compare the Firehose destination settings with HYDRANT_ACCESS_KEYS"
        )
