"""The JSON envelope: whatever arrives, it is opened or refused, and a bad record is set aside."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidRequest
from app.firehose import Envelope, open_envelope
from tests.fixtures.samples import sample

GOOD = b'{"data":"QQ=="}'


def body_of(*records: bytes, before: bytes = b"") -> bytes:
    return b'{"requestId":"r","timestamp":7,' + before + b'"records":[' + b",".join(records) + b"]}"


def opened(body: bytes) -> Envelope | None:
    try:
        return open_envelope(body)
    except InvalidRequest:
        return None


def test_a_delivery_is_opened() -> None:
    envelope = open_envelope(body_of(GOOD, b'{"data":"Qg=="}'))
    assert envelope == Envelope("r", 7, [(0, b"A"), (1, b"B")], [])


@pytest.mark.parametrize(
    ("members", "request_id", "timestamp_ms"),
    [
        (b"", None, None),
        (b'"requestId":"x",', "x", None),
        (b'"timestamp":1700000000000,', None, 1_700_000_000_000),
        (b'"requestId":null,"timestamp":null,', None, None),
        (b'"requestId":"","timestamp":0,', "", 0),
        (b'"requestId":5,"timestamp":7,', None, 7),
        (b'"requestId":["x"],"timestamp":7,', None, 7),
        (b'"requestId":{"a":1},"timestamp":7,', None, 7),
        (b'"requestId":true,"timestamp":7,', None, 7),
        (b'"requestId":"\xff","timestamp":7,', None, 7),
        (b'"requestId":"x","timestamp":"7",', "x", None),
        (b'"requestId":"x","timestamp":7.5,', "x", None),
        (b'"requestId":"x","timestamp":true,', "x", None),
        (b'"requestId":"x","timestamp":[],', "x", None),
        (b'"requestId":"x","timestamp":1e999,', "x", None),
        (b'"requestId":"x","timestamp":' + b"9" * 5000 + b",", "x", None),
        (b'"requestId":"\\u0000\\n\\u00e9","timestamp":-1,', "\0\né", -1),
        (b'"requestId":"a","requestId":"b",', "b", None),
        (b'"unknown":{"nested":[1,2,{"x":null}]},"huge":1e999,', None, None),
    ],
)
def test_an_odd_request_id_or_timestamp_costs_no_record(
    members: bytes, request_id: str | None, timestamp_ms: int | None
) -> None:
    envelope = open_envelope(b"{" + members + b'"records":[' + GOOD + b"]}")
    assert envelope == Envelope(request_id, timestamp_ms, [(0, b"A")], [])
    assert type(envelope.timestamp_ms) in (int, type(None))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"5",
        b'"records"',
        b"[]",
        b"[" + GOOD + b"]",
        b"{}",
        b'{"requestId":"r","timestamp":7}',
        b'{"records":null}',
        b'{"records":5}',
        b'{"records":"QQ=="}',
        b'{"records":{"data":"QQ=="}}',
        b'{"Records":[]}',
        b'{"records":[',
        b'{"records":[]',
        b'{"records":[]}}',
        b'{"records":[]} x',
        b'{"records":[],}',
        b"{'records':[]}",
        b'{"records":[{"data":"QQ=="},]}',
        b'{"records":[{"data":NaN}]}',
        b'{"records":[],"timestamp":NaN}',
        b'{"records":[],"timestamp":Infinity}',
        b'{"records":[],"timestamp":01}',
        b'{"records":[],"requestId":"\\ud800"}',
        b'{"records":[{"data":"\\udfff"}]}',
        b'{"records":[{"data":"\n"}]}',
        b"\xef\xbb\xbf" + body_of(GOOD),
        body_of(GOOD).decode().encode("utf-16"),
        b"\x1f\x8b\x08",
        b"\xff" * 100,
        bytes(100),
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"records":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"records":[],"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"records":[],"' + b"\\" * 99_999,
    ],
)
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    assert opened(body) is None


@pytest.mark.parametrize(
    "record",
    [
        b"{}",
        b"null",
        b"true",
        b"5",
        b"1e999",
        b'"QQ=="',
        b"[]",
        b'["QQ=="]',
        b'{"Data":"QQ=="}',
        b'{"data":null}',
        b'{"data":5}',
        b'{"data":1e999}',
        b'{"data":' + b"9" * 5000 + b"}",
        b'{"data":false}',
        b'{"data":["QQ=="]}',
        b'{"data":{"data":"QQ=="}}',
        b'{"data":"\xff\xfe"}',
        b'{"data":"QQ==\xc3"}',
    ],
)
def test_what_is_no_record_is_set_aside_as_it_stood(record: bytes) -> None:
    envelope = open_envelope(body_of(GOOD, record, GOOD))
    assert envelope.request_id == "r"
    assert envelope.timestamp_ms == 7
    assert envelope.records == [(0, b"A"), (2, b"A")]
    (undecodable,) = envelope.undecodable
    assert undecodable.index == 1
    assert undecodable.data == record
    assert undecodable.detail.startswith("the record is not an object with a data string")


@pytest.mark.parametrize(
    "text",
    [
        "Q",
        "QQ",
        "QQ=",
        "QQ===",
        "=",
        "====",
        "QQ==QQ==",
        "Q=Q=",
        "Q Q=",
        " QQ==",
        "QQ== ",
        "QQ==\n",
        "QQ\r\n==",
        "QUI\tD",
        "-_-_",
        "QUJ-",
        "QQ==\0",
        "QUI€",
        "éA==",
        "\uff31\uff31\uff1d\uff1d",
        "\U0001d410QUI",
        "Q.Q=",
        "%51Q=",
        "data:;base64,QQ==",
    ],
)
def test_what_is_not_base64_is_set_aside_as_it_stood(text: str) -> None:
    record = json.dumps({"data": text}).encode()
    plain = json.dumps({"data": text}, ensure_ascii=False).encode()
    envelope = open_envelope(body_of(record, GOOD, plain))
    assert envelope.records == [(1, b"A")]
    assert [u.index for u in envelope.undecodable] == [0, 2]
    for undecodable in envelope.undecodable:
        assert undecodable.data == text.encode()
        assert undecodable.detail.startswith("the record's data is not base64")


@pytest.mark.parametrize(
    ("record", "data"),
    [
        (b'{"data":""}', b""),
        (b'{"data":"Pz8/Pz8/"}', b"??????"),
        (b'{"data":"Pz8\\/Pz8\\/"}', b"??????"),
        (b'{"data":"\\u0051\\u0051=="}', b"A"),
        (b'{ "data" : "QQ==" }', b"A"),
        (b'{"data":"QQ==","more":[1,{"x":1e999}]}', b"A"),
        (b'{"data":"QQ==","data":"Qg=="}', b"B"),
    ],
)
def test_data_is_decoded_however_json_spells_it(record: bytes, data: bytes) -> None:
    assert open_envelope(body_of(record)).records == [(0, data)]
    # Beside a bad record the envelope is read record by record, with the same result.
    assert open_envelope(body_of(record, b"{}")).records == [(0, data)]


def test_the_last_of_two_lists_of_records_counts() -> None:
    envelope = open_envelope(body_of(GOOD, before=b'"records":[{"data":"Qg=="}],'))
    assert envelope.records == [(0, b"A")]


def test_no_records_are_an_empty_delivery() -> None:
    assert open_envelope(body_of()) == Envelope("r", 7, [], [])


@pytest.mark.parametrize("bad", [[], [b"{}"]])
def test_ten_thousand_records_pass_and_one_more_does_not(bad: list[bytes]) -> None:
    records = [GOOD] * (10_000 - len(bad)) + bad
    envelope = open_envelope(body_of(*records))
    assert len(envelope.records) + len(envelope.undecodable) == 10_000
    with pytest.raises(InvalidRequest, match="10001 records"):
        open_envelope(body_of(GOOD, *records))


def test_a_record_of_the_longest_legal_size_is_decoded() -> None:
    data = bytes(range(250)) * 4096
    assert len(data) == 1_024_000
    record = b'{"data":"' + base64.b64encode(data) + b'"}'
    assert open_envelope(body_of(record)).records == [(0, data)]


def test_the_capture_with_broken_base64_loses_that_record_only() -> None:
    _, body = sample("negative/broken-base64.json")
    envelope = open_envelope(body)
    assert [index for index, _ in envelope.records] == [0, 1]
    assert [record.index for record in envelope.undecodable] == [2]
    assert envelope.undecodable[0].data in body


@pytest.mark.parametrize(
    ("name", "records"),
    [("json/record.json", 1), ("json/records.json", 4), ("otlp-0.7/capture.json", 3)],
)
def test_captured_envelopes_are_opened(name: str, records: int) -> None:
    _, body = sample(name)
    envelope = open_envelope(body)
    parsed = json.loads(body)
    assert envelope.request_id == parsed["requestId"]
    assert envelope.timestamp_ms == parsed["timestamp"]
    assert envelope.undecodable == []
    expected = [base64.b64decode(record["data"]) for record in parsed["records"]]
    assert envelope.records == list(enumerate(expected))
    assert len(expected) == records


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20), st.text(), st.integers(0, 2**62))
def test_any_records_round_trip(parts: list[bytes], request_id: str, timestamp_ms: int) -> None:
    body = json.dumps(
        {
            "requestId": request_id,
            "timestamp": timestamp_ms,
            "records": [{"data": base64.b64encode(part).decode()} for part in parts],
        }
    )
    envelope = open_envelope(body.encode())
    assert envelope == Envelope(request_id, timestamp_ms, list(enumerate(parts)), [])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_opened_or_refused(body: bytes) -> None:
    opened(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4)
    ),
    max_leaves=12,
)
spellings = st.sampled_from(["data", "Data", "", "records"])
near_records = st.lists(json_values | st.dictionaries(spellings, json_values | st.just("QQ==")))


@settings(deadline=None)
@given(near_records | json_values, json_values, json_values)
def test_any_json_near_an_envelope_is_opened_or_refused(
    records: object, request_id: object, timestamp: object
) -> None:
    body = json.dumps({"requestId": request_id, "timestamp": timestamp, "records": records})
    envelope = opened(body.encode())
    if envelope is not None:
        assert isinstance(records, list)
        seen = [index for index, _ in envelope.records]
        seen += [record.index for record in envelope.undecodable]
        assert sorted(seen) == list(range(len(records)))
    elif isinstance(records, list):
        # Only what is not JSON at all is refused then.
        assert "NaN" in body or "Infinity" in body or "\\ud" in body


@settings(deadline=None)
@given(st.integers(0, 400), st.binary(max_size=4), st.integers(0, 3))
def test_a_damaged_envelope_is_opened_or_refused(at: int, instead: bytes, cut: int) -> None:
    body = body_of(*[GOOD] * 20)
    opened(body[:at] + instead + body[at + cut :])
    opened(body[:at])
