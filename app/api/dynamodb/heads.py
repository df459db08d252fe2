"""What every answer about DynamoDB says of itself: the time that it is about."""

from app.dynamodb.scope import Reading


def head_of(reading: Reading) -> dict[str, object]:
    """Start and end in Unix milliseconds, as read, and ``resolution``: seconds of a point."""
    return {
        "start": reading.start_ms,
        "end": reading.end_ms,
        "resolution": reading.tier.length_ms // 1000,
    }
