"""SNS: what a subscribed queue gets, from moto's own SNS and SQS."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest

from app.alarms.alerts import Kind
from app.alarms.channels import TYPES, Channel, Surroundings
from app.alarms.channels.channel import Source
from app.alarms.channels.sns import LARGEST_MESSAGE, message
from app.alarms.rule_values import Members
from app.clock import ManualClock
from app.errors import NotDelivered
from app.rules.documents import Item
from app.rules.yaml_nodes import read_yaml
from tests.fixtures.alerts import START_MS, alert, notification

REGION = "eu-central-1"
SURROUNDINGS = Surroundings(ManualClock(START_MS))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty server, and credentials that it takes."""
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        httpx.post(f"{url}/moto-api/reset", trust_env=False).raise_for_status()
        yield url
    finally:
        server.stop()


def opened(endpoint: str, topic: str) -> Channel:
    members = {"topic_arn": topic, "endpoint_url": endpoint}
    document = Item(read_yaml(json.dumps(members)))
    of_type = TYPES["sns"]
    source = Source(Members(document, of_type.keys, []), [Path()])
    return of_type.read(source).open("topic", SURROUNDINGS)


def test_a_queue_gets_json_with_attributes_and_people_a_text(aws: str) -> None:
    sns = boto3.client("sns", region_name=REGION, endpoint_url=aws)
    sqs = boto3.client("sqs", region_name=REGION, endpoint_url=aws)
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    names = ["QueueArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    channel = opened(aws, topic)
    told = notification(alert(1, severity="critical"))
    receipt = channel.send(told)
    channel.close()
    (got,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(got["Body"])
    assert body["MessageId"] in receipt.answer
    assert body["Subject"].startswith("FIRING critical: orders had 12")
    attributes = {name: each["Value"] for name, each in body["MessageAttributes"].items()}
    assert attributes == {
        "status": "firing",
        "kind": "firing",
        "alarm": "DynamoDBReadThrottled",
        "severity": "critical",
        "notification_id": told.key,
    }
    # moto delivers the text for all protocols; what is for queues stands beside it.
    content = json.loads(message(told, "topic", SURROUNDINGS)["Message"])
    assert body["Message"] in {content["default"], content["sqs"]}
    assert json.loads(content["sqs"])["alerts"][0]["labels"]["TableName"] == "orders"
    assert content["default"].startswith("FIRING critical: orders")
    sns.close()
    sqs.close()


def test_a_topic_that_does_not_exist_is_not_tried_again(aws: str) -> None:
    channel = opened(aws, f"arn:aws:sns:{REGION}:123456789012:nothing")
    with pytest.raises(NotDelivered, match="404") as caught:
        channel.send(notification())
    assert not caught.value.retry


def test_an_endpoint_that_is_not_there_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    channel = opened("http://127.0.0.1:1", f"arn:aws:sns:{REGION}:123456789012:alarms")
    with pytest.raises(NotDelivered) as caught:
        channel.send(notification())
    assert caught.value.retry


def test_messages_stay_within_the_limits_of_sns() -> None:
    many = [alert(n, table="ü" * 200, region="x\n") for n in range(500)]
    made = message(notification(*many, kind=Kind.RECOVERED), "topic", SURROUNDINGS)
    assert len(made["Message"].encode()) < LARGEST_MESSAGE
    assert len(made["Subject"]) <= 100
    assert made["Subject"].isascii()
    program = json.loads(json.loads(made["Message"])["sqs"])
    assert program["truncatedAlerts"] + len(program["alerts"]) == 500
