"""Amazon SNS: a text for people, JSON for programs, attributes for filters."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from app.alarms.alerts import Notification
from app.alarms.channels.channel import (
    Channel,
    ChannelType,
    Receipt,
    Source,
    Surroundings,
    checked_url,
    scrubbed,
)
from app.alarms.channels.webhook import payload
from app.alarms.channels.wording import clipped, left_out, title
from app.errors import ConfigurationError, NotDelivered

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

LARGEST_MESSAGE = 256 * 1024
"""Bytes that SNS takes, attributes included."""

_ROOM = 200_000
_LONGEST_SUBJECT = 100
_LONGEST_ATTRIBUTE = 256
_SECONDS = 10
_MOST_LINES = 100
_BROKEN = 500
_ARN = re.compile(r"arn:[a-z-]+:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_AGAIN = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalError",
        "KMSThrottling",
        "RequestExpired",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttled",
        "Throttling",
        "ThrottlingException",
    }
)


@dataclass(frozen=True, slots=True)
class SnsEntry:
    """A topic. Credentials come from where the AWS tools take them."""

    topic_arn: str
    region: str
    endpoint_url: str | None

    def open(self, name: str, surroundings: Surroundings) -> Channel:
        return Sns(name, self, surroundings)


class Sns:
    """A channel of type ``sns``. Raises ``ConfigurationError`` without boto3."""

    def __init__(self, name: str, entry: SnsEntry, surroundings: Surroundings) -> None:
        self._name = name
        self._entry = entry
        self._surroundings = surroundings
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise ConfigurationError(
                "channels of type sns need boto3, which is not installed: pip install boto3"
            ) from error
        # One attempt: the outbox repeats.
        config = Config(
            retries={"total_max_attempts": 1}, connect_timeout=_SECONDS, read_timeout=_SECONDS
        )
        try:
            self._client: SNSClient = boto3.client(
                "sns", region_name=entry.region, endpoint_url=entry.endpoint_url, config=config
            )
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(f"SNS of {entry.region} cannot be used: {error}") from error

    def send(self, notification: Notification) -> Receipt:
        from botocore.exceptions import BotoCoreError, ClientError

        request = message(notification, self._name, self._surroundings)
        if self._entry.topic_arn.endswith(".fifo"):
            request["MessageGroupId"] = notification.alerts[0].fingerprint
            request["MessageDeduplicationId"] = notification.key
        try:
            answer = self._client.publish(TopicArn=self._entry.topic_arn, **request)
        except ClientError as error:
            status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
            code = error.response["Error"].get("Code", "")
            raise NotDelivered(
                scrubbed(f"answered {status} {error}", ()),
                retry=status >= _BROKEN or code in _AGAIN,
            ) from None
        except (BotoCoreError, OSError) as error:
            raise NotDelivered(scrubbed(str(error), ())) from None
        return Receipt(f"message {answer['MessageId']}")

    def close(self) -> None:
        self._client.close()


def message(notification: Notification, name: str, surroundings: Surroundings) -> dict[str, Any]:
    """The parameters of Publish, but for the topic; within SNS's limits."""
    heading = title(notification)
    alerts = notification.alerts
    shown = alerts[:_MOST_LINES]
    lines = [heading, "", *(f"{each.alarm} ({each.severity}): {each.summary}" for each in shown)]
    text = clipped("\n".join([*lines, left_out(notification, len(shown))]).strip(), 20_000)
    program = payload(notification, name, surroundings)
    body = _by_protocol(text, program)
    while len(body) > _ROOM and len(program["alerts"]) > 1:
        program["alerts"] = program["alerts"][: len(program["alerts"]) // 2]
        program["truncatedAlerts"] = len(alerts) - len(program["alerts"])
        body = _by_protocol(text, program)
    subject = heading.encode("ascii", "replace").decode()
    return {
        "Subject": clipped_ascii(" ".join(subject.split())),
        "Message": body.decode(),
        "MessageStructure": "json",
        "MessageAttributes": {
            attribute: {"DataType": "String", "StringValue": value[:_LONGEST_ATTRIBUTE]}
            for attribute, value in {
                "status": program["status"],
                "kind": notification.kind.value,
                "alarm": program["commonLabels"].get("alarm", ""),
                "severity": program["commonLabels"].get("severity", ""),
                "notification_id": notification.key,
            }.items()
            if value
        },
    }


def _by_protocol(text: str, program: dict[str, Any]) -> bytes:
    """Programs get JSON, also those behind SQS and Lambda; all others the text."""
    as_json = orjson.dumps(program).decode()
    programs = dict.fromkeys(("http", "https", "sqs", "lambda"), as_json)
    return orjson.dumps({"default": text, **programs})


def clipped_ascii(text: str) -> str:
    """A subject as SNS takes it: at most 100 characters, none of them a control character."""
    shown = "".join(sign for sign in text if sign.isprintable())
    if len(shown) <= _LONGEST_SUBJECT:
        return shown
    return f"{shown[: _LONGEST_SUBJECT - 3]}..."


def _read(source: Source) -> SnsEntry:
    members = source.members
    arn = members["topic_arn"].text()
    found = _ARN.fullmatch(arn)
    if found is None:
        raise members["topic_arn"].fault(
            "the ARN of a topic is expected, such as arn:aws:sns:eu-central-1:111122223333:alarms"
        )
    endpoint = members.get("endpoint_url")
    url = None if endpoint is None else checked_url(endpoint.text(), endpoint)
    return SnsEntry(arn, members.text("region") or found.group(1), url)


SNS = ChannelType(
    "sns",
    ("topic_arn", "region", "endpoint_url"),
    {
        "access_key": "",
        "secret_key": "",
        "aws_secret_access_key": "",
    },
    _read,
)
