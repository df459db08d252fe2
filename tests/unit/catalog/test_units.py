"""CloudWatch's names of OpenTelemetry's units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.units import standard_unit
from app.simulator.otlp import unit_text

# CloudWatch User Guide, metric streams, OpenTelemetry 1.0.0 translation; StandardUnit of the API.
UNITS = [
    ("s", "Seconds"),
    ("us", "Microseconds"),
    ("ms", "Milliseconds"),
    ("By", "Bytes"),
    ("kBy", "Kilobytes"),
    ("MBy", "Megabytes"),
    ("GBy", "Gigabytes"),
    ("TBy", "Terabytes"),
    ("bit", "Bits"),
    ("kbit", "Kilobits"),
    ("MBit", "Megabits"),
    ("GBit", "Gigabits"),
    ("Tbit", "Terabits"),
    ("%", "Percent"),
    ("{Count}", "Count"),
    ("1", "None"),
    ("By/s", "Bytes/Second"),
    ("kBy/s", "Kilobytes/Second"),
    ("MBy/s", "Megabytes/Second"),
    ("GBy/s", "Gigabytes/Second"),
    ("TBy/s", "Terabytes/Second"),
    ("bit/s", "Bits/Second"),
    ("kbit/s", "Kilobits/Second"),
    ("MBit/s", "Megabits/Second"),
    ("GBit/s", "Gigabits/Second"),
    ("Tbit/s", "Terabits/Second"),
    ("{Count}/s", "Count/Second"),
]


def test_the_table_has_all_standard_units() -> None:
    assert len({name for _, name in UNITS}) == 27


@pytest.mark.parametrize(("unit", "name"), UNITS)
def test_units_of_opentelemetry_have_cloudwatchs_names(unit: str, name: str) -> None:
    assert standard_unit(unit) == name
    assert unit_text(name) == unit


def test_no_unit_is_none() -> None:
    assert standard_unit("") == "None"


@pytest.mark.parametrize(
    "unit",
    [
        "NoneTranslated",
        "Count",
        "Bytes/Second",
        "MBIT",
        "Kbit",
        "S",
        "{count}",
        " s",
        "s ",
        "By/m",
        "By/s/s",
        "furlongs/s",
        "{requests}",
        "鍵",
    ],
)
def test_an_unknown_unit_is_kept_as_it_is(unit: str) -> None:
    assert standard_unit(unit) == unit


@given(st.text())
def test_a_name_is_final(unit: str) -> None:
    # Translating twice, as a replay of translated data would, changes nothing.
    assert standard_unit(standard_unit(unit)) == standard_unit(unit)
