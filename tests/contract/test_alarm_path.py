"""The whole way of an alarm: points in, a datapoint that breaches, and people who hear of it."""

from pathlib import Path

from tests.contract.test_notifying import hook, told, work, write_channels
from tests.fixtures.alarms import alarm_rules, deliver, heartbeat, throttled
from tests.fixtures.house import house
from tests.fixtures.receivers import receiver


def test_a_throttled_table_is_told_and_its_recovery_too(database_url: str, tmp_path: Path) -> None:
    with receiver() as there:
        file = write_channels(tmp_path, {"ops": hook(there)})
        with house(database_url, files=[], alarm_rules=alarm_rules(), channels=file) as inside:
            deliver(inside, throttled(0, 0.0), throttled(1, 5.0), heartbeat(2))
            work(inside)
        # Another process goes on.
        with house(database_url, files=[], alarm_rules=alarm_rules(), channels=file) as inside:
            work(inside)
            deliver(inside, throttled(2, 0.0), heartbeat(3))
            work(inside)
    assert told(there) == [("firing", "orders"), ("recovered", "orders")]
    firing, recovery = (request.json["alerts"][0] for request in there.accepted)
    assert firing["annotations"]["summary"] == "orders had 5 throttled reads"
    assert firing["annotations"]["description"] == "Reads of a table are throttled."
    assert firing["labels"]["team"] == "storage"
    assert recovery["annotations"]["recovery"]
    assert firing["fingerprint"] == recovery["fingerprint"]


def test_a_burst_found_as_a_whole_in_late_data_is_told_as_both(
    database_url: str, tmp_path: Path
) -> None:
    with receiver() as there:
        file = write_channels(tmp_path, {"ops": hook(there)})
        with house(database_url, files=[], alarm_rules=alarm_rules(), channels=file) as inside:
            deliver(inside, *(throttled(minute, 0.0) for minute in range(5)), heartbeat(6))
            work(inside)
            assert there.received == []
            deliver(inside, throttled(2, 9.0, count=9))
            deliver(inside, heartbeat(12))
            work(inside)
    assert told(there) == [("firing", "orders"), ("recovered", "orders")]
    assert there.accepted[0].json["alerts"][0]["annotations"]["late"] == "true"
