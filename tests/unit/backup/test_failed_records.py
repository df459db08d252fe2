"""Failed records are found whatever stands between them and whatever the endpoint answered."""

import json

import pytest

from app.backup import failed_records_of
from app.otlp.rejection import Reason
from tests.e2e.deliveries import metric_lines
from tests.fixtures.backups import (
    cuts_of,
    failed_object,
    failed_record,
    otlp_records,
    records_of,
    transformation_failure,
)

RECORDS = [metric_lines("UserErrors", table) for table in range(3)] + otlp_records(5)


@pytest.mark.parametrize(
    "separator",
    ["\n", "", "\r\n", "\n\n", " ", ",\n", "\t\n"],
    ids=["newline", "nothing", "crlf", "blank-line", "blank", "comma", "tab"],
)
def test_separators(separator: str) -> None:
    assert records_of(failed_object(RECORDS, separator)) == RECORDS


def test_a_list_of_them() -> None:
    listed = b"[" + failed_object(RECORDS, ",").rstrip(b",") + b"]"
    assert records_of(listed) == RECORDS


def test_objects_over_several_lines() -> None:
    parsed = [json.loads(failed_record(record)) for record in RECORDS]
    assert records_of("\n".join(json.dumps(each, indent=2) for each in parsed).encode()) == RECORDS


def test_records_of_a_failed_transformation() -> None:
    assert records_of("\n".join(map(transformation_failure, RECORDS)).encode()) == RECORDS


@pytest.mark.parametrize(
    "message",
    [
        '"the endpoint said "no" and nothing else"',
        '"{"requestId": "1", "errorMessage": "no"}"',
        '"503: {"errorMessage": "no", "requestId": "1"}"',
        '"two\nlines"',
        '"a path C:\\new"',
        '"}"',
        "null",
        '"\u00e4\u2028"',
        '"an open quote " and a brace }, {"',
    ],
)
@pytest.mark.parametrize("separator", ["\n", ""])
def test_messages_that_are_not_escaped(message: str, separator: str) -> None:
    """As in AWS's own example."""
    text = separator.join(
        failed_record(record, message if index % 2 else '"no answer"')
        for index, record in enumerate(RECORDS)
    )
    assert records_of(text.encode()) == RECORDS
    assert records_of(failed_record(RECORDS[0], message).encode()) == RECORDS[:1]


def test_bytes_that_are_no_text() -> None:
    text = failed_object(RECORDS).replace(b"no answer", b"\xff\xfe")
    assert records_of(text) == RECORDS


def test_other_order_and_escaped_slashes() -> None:
    parsed = [json.loads(failed_record(record)) for record in RECORDS]
    for each in parsed:
        each["rawData"] = each.pop("rawData")
    lines = [json.dumps(dict(reversed(each.items()))).replace("/", "\\/") for each in parsed]
    assert records_of("\n".join(lines).encode()) == RECORDS


def test_what_is_broken_is_set_aside_alone() -> None:
    good = failed_record(RECORDS[0])
    without = good.replace('"rawData"', '"rawDatum"')
    not_base64 = good.replace('"rawData":"', '"rawData":"?')
    cut_short = good[: len(good) // 2]
    for separator in ("\n", "\n\n  ", ""):
        # What is cut short is told from the next one by a line's end alone.
        end = "" if separator else "\n"
        text = separator.join([good, without, good, not_base64, good, cut_short + end, good])
        cuts = cuts_of(text.encode())
        assert [cut.record for cut in cuts if cut.record is not None] == [RECORDS[0]] * 4
        rejections = [cut.rejection for cut in cuts if cut.rejection]
        assert [each.reason for each in rejections] == [Reason.JSON, Reason.BASE64, Reason.JSON]
        # Where they stand, and what stood there.
        places = [text.index(without), text.index(not_base64), text.index(cut_short + "\n")]
        assert [cut.start for cut in cuts if cut.rejection] == places
        assert rejections[0].data.strip().decode() == without
        assert rejections[1].data.decode() == json.loads(not_base64)["rawData"]
        assert rejections[2].data.strip().decode() == cut_short


def test_an_object_that_only_has_one_broken_record() -> None:
    (cut,) = cuts_of(b'{"attemptsMade": 1, "errorCode": "x"}')
    assert cut.rejection is not None
    assert cut.rejection.reason is Reason.JSON


def test_a_record_of_the_largest_size() -> None:
    largest = bytes(range(256)) * 4_000
    assert records_of(failed_object([largest, RECORDS[0], largest])) == [
        largest,
        RECORDS[0],
        largest,
    ]


def test_a_part_that_was_set_aside_can_be_read_again() -> None:
    assert failed_records_of(failed_object(RECORDS)) == RECORDS
    assert failed_records_of(failed_object(RECORDS) + b'{"dataId": 1}') == []
    assert failed_records_of(RECORDS[0]) == []
