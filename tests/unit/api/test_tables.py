"""Tables in CSV and NDJSON: what a reader of either gets back."""

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.tables import Block, Table, csv_chunks, ndjson_chunks

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
DOUBLES = st.floats(allow_nan=True, allow_infinity=True)


def table(name: str, values: list[float]) -> Table:
    times = np.arange(len(values), dtype=np.int64) * 60_000
    block = Block({"name": name}, times, {"value": np.array(values, np.float64)})
    return Table(("name",), lambda: [block], ("value", "other"), timed=True)


def read_csv(made: Table) -> list[list[str]]:
    text = b"".join(csv_chunks(made)).decode()
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(TEXTS, st.lists(DOUBLES, min_size=1, max_size=5))
def test_csv_reads_back(name: str, values: list[float]) -> None:
    header, *rows = read_csv(table(name, values))
    assert header == ["name", "timestamp", "time", "value", "other"]
    assert len(rows) == len(values)
    for number, (row, value) in enumerate(zip(rows, values, strict=True)):
        text = row[0]
        assert not text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert text.removeprefix("'") == name if text.startswith("'") else text == name
        assert row[1:3] == [str(number * 60_000), f"1970-01-01T00:0{number}:00Z"]
        assert row[4] == ""
        if math.isnan(value):
            assert row[3] == ""
        else:
            assert float(row[3]) == value


@given(TEXTS, st.lists(DOUBLES, min_size=1, max_size=5))
def test_ndjson_reads_back(name: str, values: list[float]) -> None:
    lines = b"".join(ndjson_chunks(table(name, values))).decode().split("\n")
    assert lines.pop() == ""
    rows = [json.loads(line) for line in lines]
    assert [row["value"] for row in rows] == [v if math.isfinite(v) else None for v in values]
    assert {row["name"] for row in rows} == {name}
    assert {row["other"] for row in rows} == {None}
    assert [row["timestamp"] for row in rows] == [n * 60_000 for n in range(len(values))]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-x", "'-x"),
        ("'quoted", "''quoted"),
        ('a "b", c', '"a ""b"", c"'),
        ("two\nlines", '"two\nlines"'),
        (" blank ", '" blank "'),
        ("plain=text-1", "plain=text-1"),
    ],
)
def test_texts_in_csv(text: str, cell: str) -> None:
    row = b"".join(csv_chunks(Table(("a",), lambda: [Block({"a": text})]))).decode()
    assert row == f"a\r\n{cell}\r\n"


def test_numbers_and_objects_as_cells() -> None:
    names = ("none", "float", "infinite", "negative", "int", "labels")
    cells = dict(zip(names, (None, 0.1, math.inf, -1.5, 7, {"a": "b"}), strict=True))
    made = Table(names, lambda: [Block(cells)])
    assert read_csv(made)[1] == ["", "0.1", "Infinity", "-1.5", "7", '{"a":"b"}']
    assert json.loads(b"".join(ndjson_chunks(made))) == {**cells, "infinite": None}


def test_times_between_seconds_have_milliseconds() -> None:
    block = Block({}, np.array([0, 1], np.int64), {})
    made = Table((), lambda: [block], (), timed=True)
    assert b"1970-01-01T00:00:00.001Z" in b"".join(ndjson_chunks(made))
