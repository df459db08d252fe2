"""The envelope that is cut up against a JSON tree of it, on generated and damaged bodies."""

import base64
import json
import random
import re
from collections import Counter
from collections.abc import Callable

import pytest

from app.errors import InvalidRequest
from app.firehose import Envelope, open_envelope
from app.firehose.envelope import _open_record_by_record, _open_without_data

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_BLANKS = ("", "", "", " ", "\n", "\t \r\n")
# What is put in place of a few bytes: all that means something to JSON, base64 or the cutting.
_PIECES = [
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"=", b"A", b"-", b"\0"),
    *(b"\xff", b"\xc3\xa9", b'\\"', b"\\/", b"\\u0041", b'"data":"', b'"data" : "QQ=="', b"null"),
    *(b'"records":[', b'{"data":"QUJD"}', b"},{", b'"",', b'{"x":{"data":"QQ=="}},', b"1e999"),
]


def of_tree(body: bytes) -> Envelope:
    """The envelope by way of Python objects of everything. Raises ``ValueError``."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    # Bytes that are no UTF-8 cost what they stand in, and not what stands beside it.
    tree = json.loads(body.decode("utf-8", "surrogateescape"), parse_constant=refuse)
    if not isinstance(tree, dict) or not isinstance(tree.get("records"), list):
        raise ValueError("not an envelope")  # noqa: TRY004 - refused like any other
    request_id, timestamp = tree.get("requestId"), tree.get("timestamp")
    envelope = Envelope(
        request_id if isinstance(request_id, str) and _is_text(request_id) else None,
        timestamp if type(timestamp) is int else None,
        [],
        [],
    )
    for index, record in enumerate(tree["records"]):
        data = record.get("data") if isinstance(record, dict) else None
        if isinstance(data, str) and _BASE64.fullmatch(data):
            envelope.records.append((index, base64.b64decode(data)))
    return envelope


def _is_text(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)


def spelt(source: random.Random, text: str) -> str:
    """A JSON text, now and then with escapes that it does not need."""
    if source.random() < 0.02:
        return '"' + "".join(f"\\u{ord(each):04x}" for each in text) + '"'
    if source.random() < 0.02:
        return json.dumps(text).replace("/", "\\/")
    return json.dumps(text, ensure_ascii=source.random() < 0.5)


def member(source: random.Random, name: str, value: str) -> str:
    blank = source.choice
    return f"{blank(_BLANKS)}{spelt(source, name)}{blank(_BLANKS)}:{blank(_BLANKS)}{value}"


def data(source: random.Random) -> str:
    text = base64.b64encode(source.randbytes(source.randrange(60))).decode()
    if source.random() < 0.04:
        text += source.choice(["=", "A", "é", " ", "\n", '"', "\\", "==", "data"])
    return spelt(source, text)


def odd(source: random.Random, depth: int = 0) -> str:
    """Any JSON, with a liking for members called data and for texts that look like one."""
    choice = source.randrange(8 if depth < 3 else 5)
    if choice >= 6:
        return "[" + ",".join(odd(source, depth + 1) for _ in range(source.randrange(3))) + "]"
    if choice == 5:
        names = source.choices(["data", "records", 'x"data', 'data":"', "", "é"], k=2)
        return "{" + ",".join(member(source, name, odd(source, depth + 1)) for name in names) + "}"
    numbers = ["null", "true", "0", "-1", "1.5", "1e999"]
    return data(source) if choice < 3 else source.choice([*numbers, '"\\"data\\":\\"QQ==\\""'])


def record(source: random.Random) -> str:
    if source.random() < 0.05:
        return odd(source)
    members = [member(source, "data", data(source))]
    if source.random() < 0.05:
        members.append(member(source, source.choice(["data", "more", "Data"]), odd(source)))
    source.shuffle(members)
    return "{" + ",".join(members) + "}"


def body_of(source: random.Random) -> bytes:
    records = ",".join(record(source) for _ in range(source.randrange(6)))
    members = [
        member(source, "requestId", spelt(source, source.choice(["r", "", "é", '"data":"']))),
        member(source, "timestamp", source.choice(["7", "0", "-1", "1.5", '"7"', "null"])),
        member(source, "records", f"[{source.choice(_BLANKS)}{records}]"),
    ]
    if source.random() < 0.05:
        members.append(member(source, source.choice(["data", "more"]), odd(source)))
    source.shuffle(members)
    return ("{" + ",".join(members) + "}" + source.choice(_BLANKS)).encode()


def damaged(source: random.Random) -> bytes:
    body = body_of(source)
    for _ in range(source.randrange(1, 4)):
        at, cut = source.randrange(len(body) + 1), source.choice([0, 0, 1, 2, 8])
        body = body[:at] + source.choice(_PIECES) + body[at + cut :]
    return body[: source.randrange(len(body) + 1)] if source.random() < 0.05 else body


def opened(
    read: Callable[[bytes], Envelope | None], body: bytes
) -> Envelope | type[Exception] | None:
    try:
        return read(body)
    except (InvalidRequest, ValueError, RecursionError) as error:
        return type(error)


@pytest.mark.parametrize("make", [body_of, damaged])
def test_what_is_cut_up_is_what_a_tree_would_hold(make: Callable[[random.Random], bytes]) -> None:
    source = random.Random(33)
    ways: Counter[str] = Counter()
    for _ in range(10_000):
        body = make(source)
        cut = opened(_open_without_data, body)
        slow = opened(_open_record_by_record, body)
        tree = opened(of_tree, body)
        # The whole result, rejections and their sentences too.
        assert opened(open_envelope, body) == slow
        ways["cut" if cut else "refused" if slow is InvalidRequest else "slow"] += 1
        if cut is not None:
            assert cut == slow
            assert cut == tree
        elif isinstance(slow, Envelope) and isinstance(tree, Envelope):
            assert slow.request_id == tree.request_id
            assert slow.timestamp_ms == tree.timestamp_ms
            assert slow.records == tree.records
        elif isinstance(tree, Envelope):
            # Python takes halves of characters for text.
            assert b"\\ud" in body.lower()
    assert ways["cut"] > 100
    assert ways["slow"] > 200
    assert make is body_of or ways["refused"] > 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"records":[{"data":"QQ==","data":"Qg=="}]}',
        b'{"records":[{"d\\u0061ta":""}],"more":{"data":"QQ=="}}',
        b'{"records":[{"data":""}],"more":{"data":"QQ=="}}',
        b'{"records":[{"data":"QQ=="}],"requestId":"\\"data\\":\\"Qg==\\""}',
        b'{"records":[{"x\\"data":"QQ==","data":""}]}',
        b'{"records":[{"data":"Q\\u0051=="}]}',
        b'{"records":[{"data":"QQ==}]}',
        b'{"records":[{"data":"QQ=="data":"Qg=="}]}',
    ],
)
def test_what_could_be_cut_wrongly_is_read_the_slow_way(body: bytes) -> None:
    assert _open_without_data(body) is None


def test_a_delivery_as_firehose_writes_it_is_cut_up() -> None:
    body = b'{"requestId":"r","timestamp":7,"records":[{"data":"QQ=="},{"data":"Qg=="}]}'
    whole = Envelope("r", 7, [(0, b"A"), (1, b"B")], [])
    for content in (body, bytearray(body)):
        assert _open_without_data(content) == whole
    pretty = json.dumps(json.loads(body), indent=2).encode()
    assert _open_without_data(pretty) == whole


def test_the_parts_tell_deliveries_apart_and_not_how_they_were_written() -> None:
    def parts(body: bytes) -> list[bytes]:
        return open_envelope(body).parts

    one = parts(b'{"requestId":"r","timestamp":7,"records":[{"data":"QQ=="},{"data":"Qg=="}]}')
    assert one == parts(b'{"timestamp":8,"records":[{"data":"Q\\u0051=="}, {"data":"Qg=="}]}')
    others = [
        one,
        parts(b'{"records":[{"data":"QUI="}]}'),
        parts(b'{"records":[{"data":"Qg=="},{"data":"QQ=="}]}'),
        parts(b'{"records":[{"data":"QQ=="},{"data":"Qg=="},{"data":""}]}'),
        parts(b'{"records":[{"data":"Qg=="},{"data":"A"}]}'),
        parts(b'{"records":[{"data":"A"},{"data":"Qg=="}]}'),
        parts(b'{"records":[]}'),
    ]
    assert len({tuple(each) for each in others}) == len(others)
