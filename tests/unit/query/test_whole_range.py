"""Which tiers cover a range: every minute once, from the longest bucket that may be read."""

from hypothesis import given
from hypothesis import strategies as st

from app.query.whole_range import Piece, cover
from app.storage import Tier

MINUTE, FIVE, HOUR = Tier.MINUTE, Tier.FIVE_MINUTES, Tier.HOUR
NOTHING: dict[Tier, frozenset[int]] = {FIVE: frozenset(), HOUR: frozenset()}


def test_whole_hours_and_edges() -> None:
    assert list(cover(53, 188, NOTHING)) == [
        Piece(MINUTE, 53, 55),
        Piece(FIVE, 55, 60),
        Piece(HOUR, 60, 180),
        Piece(FIVE, 180, 185),
        Piece(MINUTE, 185, 188),
    ]
    assert list(cover(60, 60, NOTHING)) == []
    assert list(cover(61, 64, NOTHING)) == [Piece(MINUTE, 61, 64)]


def test_marked_buckets_are_read_from_shorter_ones() -> None:
    marked = {HOUR: frozenset({60, 120}), FIVE: frozenset({75})}
    assert list(cover(0, 240, marked)) == [
        Piece(HOUR, 0, 60),
        Piece(FIVE, 60, 75),
        Piece(MINUTE, 75, 80),
        Piece(FIVE, 80, 180),
        Piece(HOUR, 180, 240),
    ]


def test_centuries_without_marks_are_one_piece() -> None:
    assert list(cover(0, 120_000_000, NOTHING)) == [Piece(HOUR, 0, 120_000_000)]


@given(
    st.integers(0, 400),
    st.integers(0, 400),
    st.frozensets(st.integers(0, 6).map(lambda n: n * 60)),
    st.frozensets(st.integers(0, 80).map(lambda n: n * 5)),
)
def test_every_minute_once_and_no_marked_bucket(
    begin: int, length: int, hours: frozenset[int], fives: frozenset[int]
) -> None:
    pieces = list(cover(begin, begin + length, {HOUR: hours, FIVE: fives}))
    minutes = [minute for piece in pieces for minute in range(piece.begin, piece.end)]
    assert minutes == list(range(begin, begin + length))
    for piece in pieces:
        assert piece.begin % piece.tier == piece.end % piece.tier == 0
        marked = {HOUR: hours, FIVE: fives}.get(piece.tier, frozenset())
        assert not marked & set(range(piece.begin, piece.end, piece.tier))
