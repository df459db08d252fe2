"""Records through any kind of object and any compression are the same points, bit for bit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.simulator import AccountModel, Format, encode_records
from tests.fixtures.backups import COMPRESSIONS, MINUTE_MS, cuts_of, failed_record, records_of
from tests.unit.otlp.decoding import bits_of, decode, decode_all

POINTS = AccountModel(5, tables=2, accounts=2, percentiles=("p50", "p99.9")).points(MINUTE_MS)
POOL = [
    record
    for form in Format
    for size in (1_500, 4_000)
    for record in encode_records(POINTS, form, max_record_bytes=size)
]
records = st.lists(st.sampled_from(POOL), min_size=1, max_size=6)
compressions = st.sampled_from(sorted(COMPRESSIONS))
messages = st.lists(
    st.sampled_from(['"no"', '"said "no""', '"{"requestId": "", "errorMessage": "}"}"', "null"]),
    min_size=6,
    max_size=6,
)


def points_of(found: list[bytes]) -> list[str]:
    return sorted(repr(bits_of(point)) for point in decode_all(*found))


@given(records, compressions, st.sampled_from([b"", b"\n", b"\r\n"]))
@settings(max_examples=60, deadline=None)
def test_all_data(made: list[bytes], compression: str, delimiter: bytes) -> None:
    found = records_of(COMPRESSIONS[compression](delimiter.join(made)))
    assert points_of(found) == points_of(made)


@given(records, compressions, st.sampled_from(["", "\n", ",\n"]), messages)
@settings(max_examples=60, deadline=None)
def test_failed_records(
    made: list[bytes], compression: str, separator: str, said: list[str]
) -> None:
    text = separator.join(map(failed_record, made, said))
    assert records_of(COMPRESSIONS[compression](text.encode())) == made


@given(records, st.binary(min_size=1, max_size=40), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_bytes_between_records_take_no_points_away(
    made: list[bytes], garbage: bytes, place: int
) -> None:
    """A line's end keeps what is between from becoming part of a line."""
    whole = b"".join([*made[:place], garbage, b"\n", *made[place:]])
    found, _ = decode(*(cut.record or b"" for cut in cuts_of(whole)))
    assert {repr(bits_of(point)) for point in found} >= set(points_of(made))
