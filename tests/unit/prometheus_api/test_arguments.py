"""Parameters in Prometheus' formats."""

import pytest

from app.api.prometheus.arguments import EARLIEST_MS, LATEST_MS, Arguments
from app.api.prometheus.label_names import unescaped
from app.errors import InvalidParameter


def of(value: str) -> Arguments:
    return Arguments([("x", value)])


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("0", 0),
        ("1727740800", 1_727_740_800_000),
        ("1727740800.123", 1_727_740_800_123),
        ("1727740800.9996", 1_727_740_801_000),
        ("1.7277408e9", 1_727_740_800_000),
        ("-5", -5_000),
        ("2024-10-01T00:00:00Z", 1_727_740_800_000),
        ("2024-10-01T02:00:00.25+02:00", 1_727_740_800_250),
        ("2024-10-01T00:00:00.123456789Z", 1_727_740_800_123),
        ("-292273086-05-16T16:47:06Z", EARLIEST_MS),
        ("292277025-08-18T07:12:54.999999999Z", LATEST_MS),
    ],
)
def test_times(text: str, time_ms: int) -> None:
    assert of(text).time_ms("x") == time_ms


@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "inf", "1e400", "1e18", "2024-10-01", "2024-13-01T00:00:00Z", "1_0"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        of(text).time_ms("x")
    assert caught.value.reason == f'cannot parse "{text}" to a valid timestamp'
    assert caught.value.parameter == "x"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1y2w3d4h5m6s7ms", 31_536_000 + 14 * 86_400 + 3 * 86_400 + 4 * 3_600 + 306.007),
        ("15", 15.0),
        ("0.5", 0.5),
        ("1e2", 100.0),
        ("-1", -1.0),
        ("0", 0.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert of(text).duration_seconds("x") == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize("text", ["m", "5x", "5m1h", "-5m", "1.5h", "NaN", "1e30", "9" * 400 + "d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidParameter, match="to a valid duration"):
        of(text).duration_seconds("x")


def test_absent_and_repeated_parameters() -> None:
    arguments = Arguments([("a", "1"), ("a", "2")])
    assert arguments.text("a") == "1"
    assert arguments.all("a") == ["1", "2"]
    assert arguments.text("b") == ""
    assert arguments.duration_seconds("b") is None
    assert arguments.time_ms("b", 7) == 7
    with pytest.raises(InvalidParameter):
        arguments.required_duration_seconds("b")


def test_limits() -> None:
    assert (of("7").limit("x"), of("0").limit("x"), of("7").limit()) == (7, 0, 0)
    with pytest.raises(InvalidParameter, match="limit must be non-negative"):
        of("-1").limit("x")
    for text in ("x", "1.5", "9" * 30, "1_0", "\u0663"):
        with pytest.raises(InvalidParameter, match="valid integer"):
            of(text).limit("x")


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        ("job", "job"),
        ("a__b", "a__b"),
        ("U__", ""),
        ("U__a__b", "a_b"),
        ("U__service_2e_name", "service.name"),
        ("U__a_20ac__2F_", "a\u20ac/"),
        ("U__wrong_zz_", "U__wrong_zz_"),
        ("U__open_2e", "U__open_2e"),
        ("U__surrogate_d800_", "U__surrogate_d800_"),
        ("U__beyond_110000_", "U__beyond_110000_"),
        ("U__end_", "U__end_"),
    ],
)
def test_escaped_label_names(escaped: str, name: str) -> None:
    assert unescaped(escaped) == name
