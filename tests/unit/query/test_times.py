"""Times and periods as clients write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidParameter
from app.query import parse_period_ms, parse_time_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1650963360", 1_650_963_360_000),
        ("1650963360.25", 1_650_963_360_250),
        ("1650963360000", 1_650_963_360_000),
        ("0", 0),
        ("2022-04-26T08:56:00Z", 1_650_963_360_000),
        ("2022-04-26T10:56:00+02:00", 1_650_963_360_000),
        ("2022-04-26T08:56:00", 1_650_963_360_000),
        ("2022-04-26T08:56:00.5Z", 1_650_963_360_500),
        ("2022-04-26", 1_650_931_200_000),
        ("1e9", 1_000_000_000_000),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert parse_time_ms("start", text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "nan", "inf", "-inf", "-1", "1e400", "9999-01-01T00:00:00Z", "2022-13-01", "0x10"],
)
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^start: ") as caught:
        parse_time_ms("start", text)
    assert caught.value.parameter == "start"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2022-04-26T08:56:00 02:00", "written %2B"),
        ("2022-04-26T08 0200", "written %2B"),
        ("last 10:00", "milliseconds"),
    ],
)
def test_a_plus_sign_that_was_lost_is_hinted_at(text: str, hint: str) -> None:
    with pytest.raises(InvalidParameter, match=f"{hint}$"):
        parse_time_ms("start", text)


@pytest.mark.parametrize("text", ["60", "300", "3600", "86400"])
def test_periods(text: str) -> None:
    assert parse_period_ms("period", text) == int(text) * 1000


@pytest.mark.parametrize(
    "text", ["0", "59", "90", "-60", "60.0", "1e3", "", "nan", "6" * 30, "\uff16\uff10"]
)
def test_periods_that_are_none(text: str) -> None:
    with pytest.raises(InvalidParameter, match="multiple of 60"):
        parse_period_ms("period", text)


@given(text=st.text())
def test_any_text_is_a_time_or_a_clear_error(text: str) -> None:
    try:
        milliseconds = parse_time_ms("start", text)
    except InvalidParameter:
        return
    assert milliseconds >= 0
