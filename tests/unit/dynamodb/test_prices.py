"""Price files: what is shipped, and what is wrong told with its place."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.dynamodb.prices import DEFAULT_PRICE_FILE, load_prices
from app.errors import PriceFileError

GOOD = """\
date: 2026-01-31
currency: EUR
source: our contract
infrequent_access_tables:
  - {account: "1*", table: "archive-*"}
regions:
  eu-west-1:
    standard:
      read_capacity_unit_hour: 0.000147
      million_write_request_units: 0.705
    firehose_gigabyte: 0.03
"""


def write(directory: Path, text: str) -> Path:
    file = directory / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_shipped_prices_say_where_and_when_they_are_from() -> None:
    prices = load_prices()
    assert prices.currency == "USD"
    assert prices.dated.isoformat() == "2026-09-29"
    us = prices.regions["us-east-1"]
    assert us.standard.read_capacity_unit_hour == Decimal("0.00013")
    assert us.standard.million_write_request_units == Decimal("0.625")
    assert us.thousand_metric_stream_updates == Decimal("0.003")
    for name, region in prices.regions.items():
        assert region.source, name
        assert region.standard.million_read_request_units, name
        assert region.standard.write_capacity_unit_hour, name
        # In every region a write costs five times a read, give or take the rounding of the list.
        reads = region.standard.million_read_request_units
        writes = region.standard.million_write_request_units
        assert reads is not None
        assert writes is not None
        assert Decimal("4.9") < writes / reads < Decimal("5.1"), name
        assert region.standard.million_replicated_write_request_units == writes


def test_prices_are_decimals_as_written(tmp_path: Path) -> None:
    prices = load_prices(write(tmp_path, GOOD))
    region = prices.regions["eu-west-1"]
    assert str(region.standard.read_capacity_unit_hour) == "0.000147"
    assert region.standard.write_capacity_unit_hour is None
    assert region.infrequent_access.read_capacity_unit_hour is None
    assert (region.source, region.dated.isoformat()) == ("our contract", "2026-01-31")
    assert region.thousand_metric_stream_updates is None
    assert region.firehose_gigabyte == Decimal("0.03")


def test_tables_of_the_other_class_are_named_by_patterns(tmp_path: Path) -> None:
    prices = load_prices(write(tmp_path, GOOD))
    assert prices.table_class("123", "eu-west-1", "archive-2025") == "infrequent_access"
    assert prices.table_class("223", "eu-west-1", "archive-2025") == "standard"
    assert prices.of_table("123", "us-east-1", "orders") is None


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("0.000147", "-1", 9, "'-1' is not a price"),
        ("0.000147", "0,5", 9, "'0,5' is not a price"),
        ("0.000147", "1e-4", 9, "'1e-4' is not a price"),
        ("0.000147", ".inf", 9, "'.inf' is not a price"),
        ("0.000147", "0." + "0" * 40, 9, "is not a price"),
        ("0.000147", "[1]", 9, "a text is expected"),
        ("read_capacity_unit_hour", "read_unit_hour", 9, "unknown key 'read_unit_hour'"),
        ("million_write_request_units", "read_capacity_unit_hour", 10, "given twice"),
        ("eu-west-1", "Ireland", 7, "'Ireland' is not a region"),
        ("EUR", "€", 2, "'€' is not a currency"),
        ("2026-01-31", "31.1.2026", 1, "is not a date"),
        ("date: 2026-01-31\n", "", 1, "date is missing"),
        ("our contract", "", 3, "say where the prices come from"),
        ("table:", "tabel:", 5, "unknown key 'tabel'"),
        (', table: "archive-*"', "", 5, "table is missing"),
        ("    firehose_gigabyte: 0.03\n", "  eu-west-1: {}\n", 11, "eu-west-1 is given twice"),
        ("    firehose_gigabyte: 0.03\n", "  eu-west-2: {}\n", 11, "the region has no prices"),
        ("regions:\n", "regions: [\n", 8, "not valid YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in GOOD
    file = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(PriceFileError) as found:
        load_prices(file)
    assert str(found.value).startswith(f"{file}:{line}:")
    assert says in str(found.value)
    assert found.value.kind == "configuration"


def test_no_regions(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("regions:")] + "regions: {}\n"
    with pytest.raises(PriceFileError, match="there is no region in it"):
        load_prices(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"none\.yaml"):
        load_prices(tmp_path / "none.yaml")


def test_the_shipped_file_is_package_data() -> None:
    assert DEFAULT_PRICE_FILE.is_file()
    assert DEFAULT_PRICE_FILE.suffix == ".yaml"
