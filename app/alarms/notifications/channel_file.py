"""The file of channels: read and checked, with every error at its line and no secret in any.

Errors name the file and the line and never show what stands there: it may be a secret that was
written where a file belongs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.alarms.alerts import INCIDENT
from app.alarms.channels import TYPES
from app.alarms.channels.channel import ChannelType, Entry, Source
from app.alarms.notifications.quiet_hours import DAYS, MINUTES_PER_DAY, QuietHours
from app.alarms.notifications.routing import SEVERITIES, Routing
from app.alarms.rule_values import DAY_MS, Members, duration_ms, label, patterns, texts, unknown
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import AlarmChannelError, RuleError
from app.rules.documents import Item
from app.rules.files import read_rule_text
from app.rules.yaml_nodes import read_yaml

MOST_CHANNELS = 100
_ROUTING_KEYS = ("severities", "match", "repeat_interval", "quiet_hours")
_GROUP_KEYS = ("group_by", "group_wait", "group_interval")
_QUIET_KEYS = ("days", "from", "to", "timezone", "severities")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_LONGEST_WAIT_MS = DAY_MS
_LONGEST_REPEAT_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    """A channel of the file. Equal entries make the same channel."""

    name: str
    type: str
    routing: Routing
    entry: Entry
    place: str


@dataclass(frozen=True, slots=True)
class ReadChannels:
    """The sound channels of a file in its order, and all that is wrong with it."""

    channels: tuple[ChannelEntry, ...]
    errors: tuple[AlarmChannelError, ...]


def load_channels(path: Path, secrets_directory: Path | None = None) -> tuple[ChannelEntry, ...]:
    """The channels of a file. Raises ``AlarmChannelError``, that of the first fault."""
    found = read_channels(path, secrets_directory)
    if found.errors:
        raise found.errors[0]
    return found.channels


def read_channels(path: Path, secrets_directory: Path | None = None) -> ReadChannels:
    """Read a file of channels and find all its errors."""
    beside = path.absolute().parent
    directories = [beside] if secrets_directory is None else [secrets_directory, beside]
    channels: list[ChannelEntry] = []
    faults: list[RuleError] = []
    try:
        text = read_rule_text(path, str(path))
        members = Members(Item(read_yaml(text)), ("channels",), faults)
        entries = members["channels"].pairs(" of names and channels")
        if len(entries) > MOST_CHANNELS:
            raise members["channels"].fault(f"there are more than {MOST_CHANNELS} channels")
        names: set[str] = set()
        for key, item in entries:
            if key.text() in names:
                faults.append(key.fault(f"the channel {key.text()} is given twice"))
                continue
            names.add(key.text())
            channel = _attempt(key, item, directories, faults, str(path))
            channels += [channel] if channel is not None else []
    except RuleError as error:
        faults.append(error)
    told = sorted(faults, key=lambda each: (each.line, each.column))
    errors = [
        AlarmChannelError(each.reason, file=str(path), line=each.line, column=each.column)
        for each in told
    ]
    return ReadChannels(tuple(channels), tuple(dict.fromkeys(errors)))


def _attempt(
    key: Item,
    item: Item,
    directories: Sequence[Path],
    faults: list[RuleError],
    file: str,
) -> ChannelEntry | None:
    before = len(faults)
    try:
        name = key.text()
        if not _NAME.fullmatch(name):
            raise key.fault(
                "a channel's name is 1 to 64 letters, digits, '.', '_' or '-', with a letter or"
                " digit first"
            )
        of_type = _type(item)
        _refuse_secrets(item, of_type)
        group_keys = () if of_type.one_by_one else _GROUP_KEYS
        known = ("type", *of_type.keys, *_ROUTING_KEYS, *group_keys)
        members = Members(item, known, faults)
        routing = _routing(members, of_type)
        entry = of_type.read(Source(members, directories))
        if len(faults) == before:
            return ChannelEntry(name, of_type.name, routing, entry, f"{file}:{key.line}")
    except RuleError as error:
        faults.append(error)
    return None


def _type(item: Item) -> ChannelType:
    types = [value for key, value in item.pairs(" with a type") if key.text() == "type"]
    if not types:
        raise item.fault(f"type is missing; it is one of {', '.join(TYPES)}")
    text = types[0].text()
    if text not in TYPES:
        raise types[0].fault(unknown("type", text, list(TYPES)))
    return TYPES[text]


def _refuse_secrets(item: Item, of_type: ChannelType) -> None:
    for key, _ in item.pairs():
        if key.text() not in of_type.secrets:
            continue
        instead = of_type.secrets[key.text()]
        raise key.fault(
            f"{key.text()} would be a secret in the open; "
            + (
                f"put it into a file that only Hydrant may read, and name that file with {instead}"
                if instead
                else "leave it out, credentials come from where the tools of AWS take them"
            )
        )


def _routing(members: Members, of_type: ChannelType) -> Routing:
    usual = Routing()
    match_item = members.get("match")
    quiet = members.get("quiet_hours")
    severities = members.get("severities")
    return Routing(
        severities=usual.severities if severities is None else _severities(severities),
        match=usual.match if match_item is None else patterns(match_item, None),
        group_by=(INCIDENT,) if of_type.one_by_one else _group_by(members, usual),
        group_wait_ms=0 if of_type.one_by_one else _wait(members, "group_wait", usual),
        group_interval_ms=0 if of_type.one_by_one else _wait(members, "group_interval", usual),
        repeat_interval_ms=_repeat(members, usual),
        quiet_hours=() if quiet is None else tuple(_quiet(each) for each in quiet.items()),
        tells_acknowledgements=of_type.one_by_one,
    )


def _severities(item: Item) -> frozenset[str]:
    found = texts(item, "severity")
    for entry, text in zip(item.items(), found, strict=True):
        if text not in SEVERITIES:
            raise entry.fault(unknown("severity", text, SEVERITIES))
    if not found:
        raise item.fault("a list of severities is empty; leave the key out for all of them")
    return frozenset(found)


def _group_by(members: Members, usual: Routing) -> tuple[str, ...]:
    item = members.get("group_by")
    if item is None:
        return usual.group_by
    texts(item, "label")
    return tuple(label(each) for each in item.items())


def _wait(members: Members, key: str, usual: Routing) -> int:
    item = members.get(key)
    if item is None:
        default: int = getattr(usual, f"{key}_ms")
        return default
    value = 0 if item.text() == "0" else duration_ms(item)
    if not 0 <= value <= _LONGEST_WAIT_MS:
        raise item.fault("a duration from 0s to 1d is expected")
    return value


def _repeat(members: Members, usual: Routing) -> int:
    item = members.get("repeat_interval")
    if item is None:
        return usual.repeat_interval_ms
    if item.text() == "never":
        return 0
    value = duration_ms(item)
    if not MILLISECONDS_PER_MINUTE <= value <= _LONGEST_REPEAT_MS:
        raise item.fault("a duration from 1m to 30d is expected, or never")
    return value


def _quiet(item: Item) -> QuietHours:
    faults: list[RuleError] = []
    members = Members(item, _QUIET_KEYS, faults)
    if faults:
        raise faults[0]
    days, severities = members.get("days"), members.get("severities")
    begin, end = _time(members["from"]), _time(members["to"])
    if begin == end:
        raise members["to"].fault("from and to are the same time; for a whole day: 00:00, 24:00")
    if begin == MINUTES_PER_DAY:
        raise members["from"].fault("24:00 is an end; a beginning at midnight is 00:00")
    return QuietHours(
        days=frozenset(range(len(DAYS))) if days is None else _days(days),
        begin=begin,
        end=end,
        zone=_zone(members["timezone"]),
        severities=frozenset(SEVERITIES) if severities is None else _severities(severities),
    )


def _days(item: Item) -> frozenset[int]:
    found = texts(item, "day")
    for entry, text in zip(item.items(), found, strict=True):
        if text not in DAYS:
            raise entry.fault(unknown("day", text, DAYS))
    if not found:
        raise item.fault("a list of days is empty; leave the key out for every day")
    return frozenset(DAYS.index(text) for text in found)


def _time(item: Item) -> int:
    found = _TIME.fullmatch(item.text())
    minutes = int(found.group(1)) * 60 + int(found.group(2)) if found else MINUTES_PER_DAY + 1
    if minutes > MINUTES_PER_DAY:
        raise item.fault('a time of day such as "08:30" is expected, up to "24:00"')
    return minutes


def _zone(item: Item) -> ZoneInfo:
    text = item.text()
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise item.fault(
            f"there is no time zone {text[:100]!r}; expected is a name such as Europe/Berlin or"
            " UTC, and on a system without zones the package tzdata"
        ) from None
