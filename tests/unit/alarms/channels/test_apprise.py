"""Apprise, with its own JSON webhook to a real receiver."""

import json
import logging
from pathlib import Path

import pytest

from app.alarms.channels import TYPES, Channel, Surroundings
from app.alarms.channels.channel import Source
from app.alarms.rule_values import Members
from app.clock import ManualClock
from app.errors import NotDelivered, RuleError
from app.rules.documents import Item
from app.rules.yaml_nodes import read_yaml
from tests.fixtures.alerts import START_MS, notification
from tests.fixtures.receivers import Reply, receiver

# It imports what Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SURROUNDINGS = Surroundings(ManualClock(START_MS))
SECRET = "hiddenpassword"


def opened(directory: Path, url: str) -> Channel:
    (directory / "url").write_text(url, "utf-8")
    of_type = TYPES["apprise"]
    document = Item(read_yaml(json.dumps({"url_file": "url"})))
    source = Source(Members(document, of_type.keys, []), [directory])
    return of_type.read(source).open("other", SURROUNDINGS)


def test_apprise_delivers_and_says_when_it_cannot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with receiver() as there:
        url = there.url.replace("http://", f"json://ada:{SECRET}@")
        channel = opened(tmp_path, url)
        assert channel.send(notification()).answer == "delivered by Apprise to json"
        assert there.received[0].json["title"].startswith("FIRING warning: orders")
        there.answer = lambda *_: Reply(500)
        with pytest.raises(NotDelivered, match="could not deliver to json") as caught:
            channel.send(notification())
    assert caught.value.retry
    assert SECRET not in caught.value.message
    assert not [record for record in caplog.records if SECRET in record.getMessage()]


@pytest.mark.parametrize("url", ["nosuchservice://ada:hiddenpassword@host", "no url"])
def test_a_url_that_apprise_does_not_know_is_refused_without_being_told(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(RuleError) as caught:
        opened(tmp_path, url)
    assert SECRET not in caught.value.message
