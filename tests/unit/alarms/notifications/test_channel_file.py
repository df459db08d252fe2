"""The file of channels: every error at its line, and no secret in any."""

from pathlib import Path

import pytest

from app.alarms.notifications.channel_file import load_channels, read_channels
from app.alarms.notifications.routing import Routing
from app.errors import AlarmChannelError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SECRET = "xoxb-very-secret"
WHOLE = """
channels:
  ops:
    type: webhook
    url: https://hooks.example.org/x
    secret_file: hook
    severities: [critical, warning]
    match: {team: storage, TableName: ["prod-*", orders]}
    group_by: [alarm, TableName]
    group_wait: 0s
    group_interval: 1m30s
    repeat_interval: never
    quiet_hours:
      - {days: [sat, sun], from: "00:00", to: "24:00", timezone: Europe/Berlin}
      - {from: "22:00", to: "06:30", timezone: UTC, severities: [info]}
  chat: {type: slack, url_file: slack}
  pager: {type: pagerduty, routing_key_file: ./pager, repeat_interval: 1h}
  mail:
    {type: smtp, host: mx.example.org, from: a@example.org, to: [b@example.org],
     username: u, password_file: mail}
  topic: {type: sns, topic_arn: "arn:aws:sns:eu-central-1:111122223333:alarms"}
  other: {type: apprise, url_file: other}
"""


def write(directory: Path, text: str) -> Path:
    secrets = {
        "hook": "s",
        "slack": "https://hooks.slack.com/services/T/B/x",
        "pager": "k" * 32,
        "mail": "p",
        "other": "json://localhost",
        "empty": "",
        "wrong": f"nosuchthing://{SECRET}",
    }
    for name, content in secrets.items():
        (directory / name).write_text(content, "utf-8")
    file = directory / "channels.yaml"
    file.write_text(text, "utf-8")
    return file


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    channels = {each.name: each for each in load_channels(write(tmp_path, WHOLE))}
    assert list(channels) == ["ops", "chat", "pager", "mail", "topic", "other"]
    ops = channels["ops"].routing
    assert ops.severities == {"critical", "warning"}
    assert ops.group_by == ("alarm", "TableName")
    waits = (ops.group_wait_ms, ops.group_interval_ms, ops.repeat_interval_ms)
    assert waits == (0, 90_000, 0)
    assert [sorted(hours.days) for hours in ops.quiet_hours] == [[5, 6], list(range(7))]
    assert ops.quiet_hours[0].end == 1_440
    assert channels["chat"].routing == Routing()
    pager = channels["pager"].routing
    assert (pager.group_by, pager.group_wait_ms, pager.repeat_interval_ms) == (
        ("incident",),
        0,
        3_600_000,
    )
    assert channels["chat"].place.endswith("channels.yaml:16")
    assert load_channels(write(tmp_path, WHOLE)) == tuple(channels.values())


def test_secrets_may_be_in_the_directory_of_secrets(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "there").write_text("https://example.org/x", "utf-8")
    file = write(tmp_path, "channels: {chat: {type: slack, url_file: there}}")
    (channel,) = load_channels(file, tmp_path / "secrets")
    assert channel.name == "chat"
    (error,) = read_channels(file).errors
    assert "there" in error.reason


@pytest.mark.parametrize(
    ("entry", "line", "reason"),
    [
        ("  a: {}", 2, "type is missing"),
        ("  a: {type: slak}", 2, "unknown type 'slak'; similar: slack"),
        ("  a: {type: slack}", 2, "url_file is missing"),
        (
            "  a:\n    type: slack\n    urlfile: slack",
            4,
            "unknown key 'urlfile'; similar: url_file",
        ),
        (f"  a:\n    type: slack\n    url: https://h/{SECRET}", 4, "name that file with url_file"),
        (f"  a:\n    type: webhook\n    url: https://u:{SECRET}@h/", 4, "holds a password"),
        ("  a: {type: webhook, url: ftp://x}", 2, "begins with https://"),
        ("  a: {type: webhook, url: 'https://x y/'}", 2, "no blanks"),
        ("  a: {type: webhook, url: https://x, url_file: slack}", 2, "one of them"),
        (f"  a:\n    type: webhook\n    url: https://x\n    secret: {SECRET}", 5, "secret_file"),
        ("  a:\n    type: slack\n    url_file: nowhere", 4, "cannot be read"),
        ("  a:\n    type: slack\n    url_file: empty", 4, "is empty"),
        ("  a: {type: slack, url_file: hook}", 2, "begins with https://"),
        ("  a: {type: apprise, url_file: wrong}", 2, "Apprise does not know the URL that begins"),
        (f"  a: {{type: apprise, url: 'x://{SECRET}'}}", 2, "name that file with url_file"),
        ("  a: {type: pagerduty, routing_key_file: pager, group_by: [x]}", 2, "unknown key"),
        (f"  a:\n    type: pagerduty\n    routing_key: {SECRET}", 4, "routing_key_file"),
        ("  a: {type: sns, topic_arn: alarms}", 2, "the ARN of a topic"),
        (f"  a: {{type: sns, topic_arn: x, secret_key: {SECRET}}}", 2, "the tools of AWS"),
        ("  a: {type: smtp, host: h, from: x, to: [b@example.org]}", 2, "not an address"),
        ("  a: {type: smtp, host: h, from: a@example.org, to: []}", 2, "no recipient"),
        ("  a: {type: smtp, host: h, from: a@b.c, to: [a@b.c], username: u}", 2, "together"),
        (
            (
                "  a: {type: smtp, host: h, tls: none, from: a@b.c, to: [a@b.c], username: u,"
                " password_file: mail}"
            ),
            2,
            "in the open",
        ),
        ("  a: {type: slack, url_file: slack, severities: [warnin]}", 2, "similar: warning"),
        ("  a: {type: slack, url_file: slack, severities: []}", 2, "empty"),
        ("  a: {type: slack, url_file: slack, group_wait: 2d}", 2, "from 0s to 1d"),
        ("  a: {type: slack, url_file: slack, repeat_interval: 5s}", 2, "from 1m to 30d"),
        ("  a: {type: slack, url_file: slack, repeat_interval: often}", 2, "not a duration"),
        (
            (
                "  a: {type: slack, url_file: slack, quiet_hours: [{from: '25:00', to: '06:00',"
                " timezone: UTC}]}"
            ),
            2,
            "time of day",
        ),
        (
            (
                "  a: {type: slack, url_file: slack, quiet_hours: [{from: '06:00', to: '06:00',"
                " timezone: UTC}]}"
            ),
            2,
            "same time",
        ),
        (
            (
                "  a: {type: slack, url_file: slack, quiet_hours: [{from: '05:00', to: '06:00',"
                " timezone: Europe/Berlín}]}"
            ),
            2,
            "no time zone",
        ),
        ("  a b: {type: slack, url_file: slack}", 2, "a channel's name is"),
        ("  a: {type: slack, url_file: slack}\n  a: {type: slack, url_file: slack}", 3, "twice"),
        ("  a: {type: webhook, url: https://x, ca_file: nowhere}", 2, "there is no file"),
        ("  a: [", 2, "not valid YAML"),
    ],
)
def test_errors_tell_line_and_remedy_and_no_secret(
    tmp_path: Path, entry: str, line: int, reason: str
) -> None:
    errors = read_channels(write(tmp_path, f"channels:\n{entry}\n")).errors
    told = [error for error in errors if reason in error.reason]
    assert told, [error.message for error in errors]
    assert told[0].line == line
    assert told[0].message.startswith(f"{tmp_path}/channels.yaml:{line}:")
    assert all(SECRET not in error.message for error in errors)


def test_all_errors_are_found_and_the_first_one_stops(tmp_path: Path) -> None:
    text = "channels:\n  a: {type: slack}\n  b: {type: slack, url_file: slack}\n  c: {}\n"
    file = write(tmp_path, text)
    found = read_channels(file)
    assert [error.line for error in found.errors] == [2, 4]
    assert [channel.name for channel in found.channels] == ["b"]
    with pytest.raises(AlarmChannelError, match=r"channels\.yaml:2:"):
        load_channels(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AlarmChannelError, match=r"nowhere\.yaml"):
        load_channels(tmp_path / "nowhere.yaml")
