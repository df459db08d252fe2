"""The access key of a delivery.

Firehose sends its key verbatim in ``X-Amz-Firehose-Access-Key``, and no header at all when none is
configured (AWS Firehose guide, HTTP endpoint delivery specifications, request format). Several keys
are valid at once, because a retry after a rotation may carry the new key or the old one.
"""

from app.credentials import AccessKeys, KeyHolder
from app.errors import Unauthorized


def check_access_key(keys: AccessKeys, presented: bytes | None) -> KeyHolder:
    """Whose key the raw bytes of Firehose's header are; raises ``Unauthorized``.

    A missing header is a wrong key.
    """
    holder = keys.holder(presented)
    if holder is not None:
        return holder
    if presented is None:
        raise Unauthorized(
            "the X-Amz-Firehose-Access-Key header is missing;"
            " set the access key in the Firehose destination settings"
        )
    raise Unauthorized(
        "the access key is not one of those configured here;"
        " compare the Firehose destination settings with HYDRANT_ACCESS_KEYS"
    )
