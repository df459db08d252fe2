"""Webhook, Slack and PagerDuty: what they post to a real receiver, and what its answers mean."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trustme

from app.alarms.alerts import Kind
from app.alarms.channels import TYPES, Channel, Surroundings
from app.alarms.channels.channel import Source
from app.alarms.channels.slack import message
from app.alarms.channels.webhook import signature
from app.alarms.rule_values import Members
from app.clock import ManualClock
from app.errors import NotDelivered
from app.rules.documents import Item
from app.rules.yaml_nodes import read_yaml
from tests.fixtures.alerts import START_MS, alert, notification
from tests.fixtures.receivers import Received, Reply, is_signed, receiver

SCHEMAS = Path(__file__).resolve().parents[3] / "fixtures" / "schemas"
SURROUNDINGS = Surroundings(ManualClock(START_MS), "https://hydrant.example.org")
SECRET = "a secret of webhooks"
KEY = "0123456789abcdef0123456789abcdef"


def opened(directory: Path, type_name: str, secrets: dict[str, str], **members: str) -> Channel:
    """A channel as the file of channels would make it; ``secrets`` are files by key."""
    for key, text in secrets.items():
        (directory / key).write_text(f"{text}\n", "utf-8")
        members[key] = key
    document = Item(read_yaml(json.dumps(members)))
    of_type = TYPES[type_name]
    source = Source(Members(document, of_type.keys, []), [directory])
    return of_type.read(source).open("ops", SURROUNDINGS)


def schema(name: str) -> Callable[[Any], None]:
    content = json.loads((SCHEMAS / name).read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(content, format_checker=jsonschema.FormatChecker())
    return validator.validate


def test_a_webhook_posts_what_alertmanager_would_signed(tmp_path: Path) -> None:
    two = notification(alert(1), alert(2, table="carts", ended_ms=START_MS + 60_000))
    with receiver() as there:
        channel = opened(tmp_path, "webhook", {"secret_file": SECRET}, url=f"{there.url}/hook")
        assert channel.send(two).answer == "200 ok"
        channel.close()
        (request,) = there.received
    assert request.path == "/hook"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Hydrant-Notification-Id"] == two.key
    assert is_signed(request, SECRET)
    assert not is_signed(request, "another secret")
    assert not is_signed(Received("/", request.headers, request.body + b" "), SECRET)
    body = request.json
    assert set(body) == {
        "version",
        "groupKey",
        "truncatedAlerts",
        "status",
        "receiver",
        "groupLabels",
        "commonLabels",
        "commonAnnotations",
        "externalURL",
        "alerts",
    }
    assert (body["version"], body["status"], body["receiver"]) == ("4", "firing", "ops")
    assert body["groupLabels"]["alertname"] == "DynamoDBReadThrottled"
    assert "TableName" not in body["commonLabels"]
    assert body["commonLabels"]["severity"] == "warning"
    first, second = body["alerts"]
    assert first["labels"]["TableName"] == "orders"
    assert first["startsAt"] == "2026-11-18T11:07:00Z"
    assert first["endsAt"] == "0001-01-01T00:00:00Z"
    assert first["generatorURL"].startswith("https://hydrant.example.org/")
    assert second["endsAt"] == "2026-11-18T11:08:00Z"
    assert len(first["fingerprint"]) == 16
    assert first["fingerprint"] != second["fingerprint"]
    assert first["annotations"]["summary"].startswith("orders had 12")


def test_a_recovery_is_resolved_and_has_the_same_fingerprint(tmp_path: Path) -> None:
    with receiver() as there:
        channel = opened(tmp_path, "webhook", {}, url=there.url)
        channel.send(notification(alert(1)))
        channel.send(notification(alert(1, ended_ms=START_MS + 60_000), kind=Kind.RECOVERED))
        before, after = (each.json for each in there.received)
    assert "Hydrant-Signature" not in there.received[0].headers
    assert (after["status"], after["alerts"][0]["status"]) == ("resolved", "resolved")
    assert before["alerts"][0]["fingerprint"] == after["alerts"][0]["fingerprint"]


def test_a_signature_is_what_openssl_makes() -> None:
    # printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
    expected = "b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
    assert signature("secret", 1_700_000_000, b"{}") == f"t=1700000000,v1={expected}"


@pytest.mark.parametrize(
    ("status", "headers", "retry", "after"),
    [
        (500, {}, True, None),
        (503, {"Retry-After": "7"}, True, 7.0),
        (429, {"Retry-After": "90000"}, True, 3600.0),
        (408, {}, True, None),
        (400, {}, False, None),
        (413, {}, False, None),
        (422, {}, False, None),
        # A secret, a URL or an archived channel can be put right while the message waits.
        (401, {}, True, None),
        (403, {}, True, None),
        (404, {}, True, None),
        (410, {}, True, None),
        (302, {"Location": "http://127.0.0.1:1/"}, True, None),
        (
            503,
            {
                "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            True,
            None,
        ),
    ],
)
def test_answers_decide_whether_it_is_tried_again(
    tmp_path: Path, status: int, headers: dict[str, str], retry: bool, after: float | None
) -> None:
    with receiver(lambda *_: Reply(status, b"no", headers)) as there:
        channel = opened(tmp_path, "webhook", {}, url=there.url)
        with pytest.raises(NotDelivered, match=str(status)) as caught:
            channel.send(notification())
    assert caught.value.retry is retry
    if after is not None:
        assert caught.value.retry_after_seconds == after


def test_an_error_holds_no_secret_even_if_the_receiver_repeats_it(tmp_path: Path) -> None:
    url_secret = "T0001/B0002/abcdefgh"

    def tell_all(request: Received, _: int) -> Reply:
        return Reply(400, f"{request.headers} {SECRET} {request.path}".encode())

    with receiver(tell_all) as there:
        url = f"{there.url}/services/{url_secret}"
        secrets = {
            "url_file": url,
            "secret_file": SECRET,
            "authorization_file": "Bearer tokentoken",
        }
        for type_name in ("webhook", "slack"):
            own = secrets if type_name == "webhook" else {"url_file": url}
            channel = opened(tmp_path, type_name, own)
            with pytest.raises(NotDelivered) as caught:
                channel.send(notification())
            for secret in (SECRET, "tokentoken", "abcdefgh"):
                if secret != SECRET or type_name == "webhook":
                    assert secret not in caught.value.message
    assert there.received[0].headers["Authorization"] == "Bearer tokentoken"


def test_an_error_holds_no_part_of_a_url_that_may_be_a_secret(tmp_path: Path) -> None:
    answered = b"no integration 1234567890ab, bad token abcdefghijkl"
    with receiver(lambda _, __: Reply(400, answered)) as there:
        url = f"{there.url}/1234567890ab/send?token=abcdefghijkl&v=1"
        channel = opened(tmp_path, "webhook", {"url_file": url})
        with pytest.raises(NotDelivered) as caught:
            channel.send(notification())
    assert "no integration ***, bad token ***" in caught.value.message


def test_a_receiver_that_is_not_there_or_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    channel = opened(tmp_path, "webhook", {}, url="http://127.0.0.1:1/")
    with pytest.raises(NotDelivered, match="no answer") as caught:
        channel.send(notification())
    assert caught.value.retry


def test_a_secret_that_changes_counts_from_the_next_notification_on(tmp_path: Path) -> None:
    with receiver() as there:
        channel = opened(tmp_path, "webhook", {"secret_file": SECRET}, url=there.url)
        channel.send(notification())
        (tmp_path / "secret_file").write_text("the next secret", "utf-8")
        channel.send(notification())
        (tmp_path / "secret_file").unlink()
        with pytest.raises(NotDelivered, match="cannot be read") as caught:
            channel.send(notification())
    assert caught.value.retry
    assert is_signed(there.received[0], SECRET)
    assert is_signed(there.received[1], "the next secret")


def test_a_receiver_of_a_private_authority_is_trusted_by_its_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with receiver(tls=context) as there:
        trusting = opened(tmp_path, "webhook", {}, url=there.url, ca_file="ca.pem")
        assert trusting.send(notification()).answer == "200 ok"
        with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
            opened(tmp_path, "webhook", {}, url=there.url).send(notification())
    assert len(there.received) == 1


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("count", [1, 3, 40])
def test_slack_gets_messages_of_its_schema(tmp_path: Path, kind: Kind, count: int) -> None:
    alerts = [alert(n, table=f"table-{n}", ended_ms=START_MS + 60_000) for n in range(1, count + 1)]
    with receiver() as there:
        channel = opened(tmp_path, "slack", {"url_file": f"{there.url}/services/T/B/secret"})
        channel.send(notification(*alerts, kind=kind))
    body = there.received[0].json
    schema("slack-message.json")(body)
    if count == 40:
        assert "30 more are not listed here" in json.dumps(body)


def test_slack_shows_every_character_as_it_is_within_its_limits() -> None:
    long = alert(1, table="<!channel> & " * 400)
    body = message(notification(long), SURROUNDINGS)
    schema("slack-message.json")(body)
    assert "<!channel>" not in json.dumps(body["blocks"][1:])
    assert "&lt;!channel&gt; &amp;" in body["text"]


def test_pagerduty_triggers_acknowledges_and_resolves_by_one_key(tmp_path: Path) -> None:
    first, ended = alert(1, severity="critical"), alert(1, ended_ms=START_MS + 60_000)
    with receiver(lambda *_: Reply(202, b'{"status":"success"}')) as there:
        channel = opened(tmp_path, "pagerduty", {"routing_key_file": KEY}, url=there.url)
        for each, kind in (
            (first, Kind.FIRING),
            (first, Kind.REPEATED),
            (first, Kind.ACKNOWLEDGED),
            (ended, Kind.RECOVERED),
        ):
            channel.send(notification(each, kind=kind))
        channel.send(notification(alert(2, table="carts")))
    bodies = [request.json for request in there.received]
    for body in bodies:
        schema("pagerduty-events-v2.json")(body)
        assert body["routing_key"] == KEY
    actions = [body["event_action"] for body in bodies]
    assert actions == ["trigger", "trigger", "acknowledge", "resolve", "trigger"]
    assert len({body["dedup_key"] for body in bodies[:4]}) == 1
    assert bodies[4]["dedup_key"] != bodies[0]["dedup_key"]
    payload = bodies[0]["payload"]
    assert (payload["severity"], payload["class"]) == ("critical", "DynamoDBReadThrottled")
    assert payload["source"] == "111122223333/eu-central-1/orders"
    assert payload["custom_details"]["value"] == 12.0
    assert payload["custom_details"]["reason"] == "1 of 1 datapoints was at least 1"


def test_a_test_of_pagerduty_leaves_nothing_open(tmp_path: Path) -> None:
    with receiver(lambda *_: Reply(202)) as there:
        channel = opened(tmp_path, "pagerduty", {"routing_key_file": KEY}, url=there.url)
        channel.send(notification(alert(0, severity="info"), kind=Kind.TEST))
    assert [request.json["event_action"] for request in there.received] == ["trigger", "resolve"]
