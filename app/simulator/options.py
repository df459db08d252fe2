"""Options of `hydrant simulate` as text, checked and turned into values.

What is wrong with an option is said in one line, as an `InvalidParameter`.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from app.errors import InvalidParameter
from app.simulator.points import PERIOD_MS
from app.simulator.records import Format
from app.simulator.scenarios import SCENARIOS, Scenario
from app.simulator.stream import ARRIVAL_LAG_MS

DEFAULT_PATH = "/aws/firehose/metrics"
DEFAULT_MINUTES = 10
MIXED = "mixed"
_MAX_ATTRIBUTES = 50
_MAX_KEY_CHARACTERS = 4096
_MAX_NAME_CHARACTERS = 256
_MAX_VALUE_CHARACTERS = 1024
# Below this a number is seconds since 1970 (the year 2286), from here on milliseconds.
_FIRST_MILLISECONDS = 10_000_000_000


def target_url(text: str) -> str:
    """Return the URL to post to: as given, with the usual path when it has none."""
    try:
        parts = urlsplit(text)
        httpx.URL(text)
    except (ValueError, httpx.InvalidURL) as error:
        raise InvalidParameter("--url", f"not a URL: {text}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidParameter("--url", f"expected http://… or https://…, got {text}")
    return text + DEFAULT_PATH if not parts.path and not parts.query else text


def start_ms(text: str) -> int:
    """Return a stream start, cut to the minute, from RFC 3339 or Unix seconds or milliseconds."""
    try:
        if text.isdigit():
            number = int(text)
            moment_ms = number if number >= _FIRST_MILLISECONDS else number * 1000
        else:
            moment = datetime.fromisoformat(text)
            moment_ms = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)
    except ValueError as error:
        raise InvalidParameter("--start", f"expected RFC 3339 or Unix time, got {text}") from error
    return moment_ms - moment_ms % PERIOD_MS


def common_attributes(pairs: list[str]) -> tuple[tuple[str, str], ...]:
    """Return NAME=VALUE pairs within Firehose's limits (section A.1)."""
    if len(pairs) > _MAX_ATTRIBUTES:
        raise InvalidParameter("--common-attribute", f"at most {_MAX_ATTRIBUTES} are allowed")
    attributes = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not 1 <= len(name) <= _MAX_NAME_CHARACTERS:
            raise InvalidParameter("--common-attribute", f"expected NAME=VALUE, got {pair}")
        if len(value) > _MAX_VALUE_CHARACTERS:
            raise InvalidParameter("--common-attribute", f"the value of {name} is too long")
        attributes.append((name, value))
    return tuple(attributes)


def formats(text: str) -> tuple[Format, ...]:
    """Return the formats that alternate; `mixed` is all of them."""
    if text == MIXED:
        return tuple(Format)
    try:
        return (Format(text),)
    except ValueError as error:
        names = ", ".join([*Format, MIXED])
        raise InvalidParameter("--format", f"{text} is none of {names}") from error


def checked_key(key: str) -> str:
    """Return an access key that fits into a header; any characters but line ends may be in it."""
    if "\r" in key or "\n" in key or len(key) > _MAX_KEY_CHARACTERS:
        raise InvalidParameter(
            "--access-key", f"at most {_MAX_KEY_CHARACTERS} characters, on one line"
        )
    return key


def percentile_names(text: str) -> tuple[str, ...]:
    """Return the percentiles of a list with commas, such as p50,p99.9."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if re.fullmatch(r"p\d{1,2}(\.\d+)?", name) is None:
            raise InvalidParameter("--percentiles", f"not a percentile: {name}")
    return names


def period(
    now_ms: int,
    start: str,
    minutes: int | None,
    backfill: int,
    *,
    realtime: bool,
    usual: int = DEFAULT_MINUTES,
) -> tuple[int, int | None]:
    """Return the first minute (Unix ms) and the number of minutes, None without an end.

    `usual` is the number of minutes where none is given and an end is needed.
    """
    if realtime:
        # The first minute that has not arrived yet, less the backfill.
        first_ms = -((ARRIVAL_LAG_MS + PERIOD_MS - now_ms) // PERIOD_MS) * PERIOD_MS
        length = None if minutes is None else minutes + backfill
        return first_ms - backfill * PERIOD_MS, length
    length = usual if minutes is None else minutes
    if start:
        return start_ms(start), length
    return now_ms - now_ms % PERIOD_MS - length * PERIOD_MS, length


def chosen_scenario(
    name: str, answer: Path | None, minutes: int | None, *, account: bool
) -> Scenario | None:
    """Return the scenario of that name, None for the empty one.

    `account` says that options ask for another account than usual, which a scenario has of its own.
    """
    if not name:
        if answer is not None:
            raise InvalidParameter("--scenario-answer", "only together with --scenario")
        return None
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise InvalidParameter("--scenario", f"{name} is none of {', '.join(SCENARIOS)}")
    if account:
        raise InvalidParameter(
            "--scenario",
            "has an account of its own; leave out --tables, --accounts, --regions and --indexes",
        )
    if minutes is not None and minutes < scenario.minutes:
        raise InvalidParameter(
            "--minutes", f"{minutes} are too few for {name}, which needs {scenario.minutes}"
        )
    return scenario


def check_ranges(*checks: tuple[str, float, float, float]) -> None:
    """Check (option, value, lowest, highest), both ends allowed."""
    for name, value, lowest, highest in checks:
        if not lowest <= value <= highest:
            raise InvalidParameter(name, f"{value:g} is not between {lowest:g} and {highest:g}")
