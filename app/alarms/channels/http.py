"""One POST of JSON with bounds on time and size, and what its answer means."""

import logging
import re
import ssl
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from app import __version__
from app.alarms.channels.channel import Receipt, scrubbed
from app.errors import ConfigurationError, NotDelivered

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LONGEST_SECONDS = 20.0
LONGEST_RETRY_AFTER_SECONDS = 3_600.0
_LONGEST_ANSWER = 4_096
_SHORTEST_SECRET_PART = 8
# What is wrong with this very message. All else can be put right while it waits: at the receiver,
# in the file of channels or in that of a secret.
_NEVER = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431})
_OK, _REDIRECT, _REFUSED = 200, 300, 400

# It would write every URL to the log, and some are secrets.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class HttpSender:
    """Posts to one receiver. ``ca_file`` holds certificates of authorities of one's own."""

    def __init__(self, ca_file: Path | None = None) -> None:
        try:
            trusted = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"{ca_file} holds no certificates: {error}") from error
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        # Notifications are rare: a connection that was kept would be dead by the next one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(
            verify=trusted, timeout=timeout, limits=limits, follow_redirects=False
        )

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, secrets: Iterable[str] = ()
    ) -> Receipt:
        """Send and say what came back. Raises ``NotDelivered`` without any of the ``secrets``."""
        hidden = (url, *_parts(url), *secrets)
        try:
            status, text, retry_after = self._exchange(url, body, headers)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            reason = scrubbed(str(error) or type(error).__name__, hidden)
            raise NotDelivered(f"no answer: {reason}") from None
        except (UnicodeError, ValueError) as error:
            # What a header or a host name cannot hold.
            reason = scrubbed(str(error), hidden)
            raise NotDelivered(f"cannot be sent: {reason}", retry=False) from None
        answer = scrubbed(f"{status} {text}", hidden)
        if _OK <= status < _REDIRECT:
            return Receipt(answer)
        if _REDIRECT <= status < _REFUSED:
            raise NotDelivered(
                f"answered {answer}; redirections are not followed, so name the new URL"
            )
        raise NotDelivered(
            f"answered {answer}", retry=status not in _NEVER, retry_after_seconds=retry_after
        )

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _exchange(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, str, float | None]:
        sent = {
            "Content-Type": "application/json",
            "User-Agent": f"Hydrant/{__version__}",
            **headers,
        }
        deadline = time.monotonic() + LONGEST_SECONDS
        received = b""
        with self._client.stream("POST", url, content=body, headers=sent) as response:
            for part in response.iter_bytes(_LONGEST_ANSWER):
                received += part
                if len(received) >= _LONGEST_ANSWER or time.monotonic() > deadline:
                    break
            retry_after = _retry_after(response.headers.get("Retry-After"), response.headers)
        return response.status_code, received.decode("utf-8", "replace"), retry_after


def _parts(url: str) -> list[str]:
    """What of a URL may be secret and could come back by itself: its path, and what is in it."""
    path = "/" + url.partition("://")[2].partition("/")[2]
    parts = [path, *path.split("/"), *re.split(r"[/?&=#;]", path)]
    return [part for part in parts if len(part) >= _SHORTEST_SECRET_PART]


def _retry_after(text: str | None, headers: httpx.Headers) -> float | None:
    """Seconds, of a number or of a date, which is compared with the receiver's own clock."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            then = parsedate_to_datetime(text)
            now = parsedate_to_datetime(headers.get("Date", ""))
        except (TypeError, ValueError):
            return None
        seconds = (_aware(then) - _aware(now)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS) if seconds == seconds else None  # noqa: PLR0124 - NaN


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
