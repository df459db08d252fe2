"""The door: Firehose HTTP endpoint delivery 1.0, from an HTTP body to records of bytes.

Access keys, limits, gzip, the JSON envelope, base64 and the reply. Knows nothing of what the
records mean, and nothing of the web framework.
"""

from app.firehose.access import check_access_key
from app.firehose.envelope import Envelope, UndecodableRecord, open_envelope
from app.firehose.inflate import MAX_BODY_BYTES, MAX_DECODED_BYTES, inflate
from app.firehose.reply import render_reply

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_DECODED_BYTES",
    "Envelope",
    "UndecodableRecord",
    "check_access_key",
    "inflate",
    "open_envelope",
    "render_reply",
]
