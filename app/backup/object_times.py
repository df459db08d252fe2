"""When the oldest record of an object arrived, as Firehose puts it into keys.

Names end in ``<stream>-<version>-YYYY-MM-dd-HH-MM-SS-<random>``, prefixes in ``YYYY/MM/dd/HH/``,
both in UTC (AWS Firehose guide, Amazon S3 object name format).
"""

import re
from datetime import UTC, datetime, timedelta

_NAME = re.compile(r"(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)(?!.*/)")
_PREFIX = re.compile(r"(?:^|(?<=/))(\d{4})/(\d\d)/(\d\d)/(\d\d)(?=/)")
_LONGEST_BUFFERING = timedelta(seconds=900)


def arrivals(key: str) -> tuple[int, int] | None:
    """First and last millisecond in which records of an object arrived; None if unknown.

    The key has the oldest record's time; the newest came before the buffer was written, which is
    900 seconds later at most.
    """
    for pattern, unit in ((_NAME, timedelta(seconds=1)), (_PREFIX, timedelta(hours=1))):
        for found in reversed(list(pattern.finditer(key))):
            try:
                first = datetime(*map(int, found.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
            except ValueError:
                continue
            last = first + unit + _LONGEST_BUFFERING
            return round(first.timestamp() * 1000), round(last.timestamp() * 1000)
    return None
