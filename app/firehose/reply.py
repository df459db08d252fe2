"""The reply of a delivery, the only form that Firehose accepts.

JSON with ``requestId`` (equal to the request's), ``timestamp`` (integer milliseconds) and, only
when something went wrong, ``errorMessage`` of at most 8192 characters. Unknown fields, or a
timestamp as a string, make Firehose treat the answer as a 500 and deliver again (AWS Firehose
guide, HTTP endpoint response format).
"""

import json

MAX_ERROR_MESSAGE_CHARACTERS = 8192

# Firehose copies the message into its S3 error objects without escaping it.
_UNSAFE = str.maketrans({'"': "'", "\\": "/", "\n": " ", "\r": " ", "\t": " "})


def render_reply(request_id: str, now_ms: int, error_message: str | None = None) -> bytes:
    """The body of the reply; to be sent as ``application/json``, uncompressed, with its length."""
    reply: dict[str, str | int] = {"requestId": request_id, "timestamp": now_ms}
    if error_message:
        reply["errorMessage"] = plain_text(error_message)
    return json.dumps(reply).encode("ascii")


def plain_text(message: str) -> str:
    """The message on one line without quotes, backslashes or control characters."""
    text = message.translate(_UNSAFE)
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable[:MAX_ERROR_MESSAGE_CHARACTERS]
