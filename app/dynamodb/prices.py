"""Prices by region, as users keep them in a file: read, checked, and looked up.

A price that the file does not have is None: it is not known, and nothing is priced by a neighbour.
The file is described in docs/dynamodb.md, and why there is one in ADR 0046.
"""

import re
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from pathlib import Path

from app.errors import PriceFileError, RuleError
from app.rules.documents import Item, read_document

DEFAULT_PRICE_FILE = Path(__file__).resolve().parent / "prices.yaml"
GIGABYTE = 2**30
"""Bytes of what Firehose bills as one."""

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_MOST_DIGITS = 30


@dataclass(frozen=True, slots=True)
class CapacityPrices:
    """Prices of one table class in one region; None is not known."""

    read_capacity_unit_hour: Decimal | None = None
    write_capacity_unit_hour: Decimal | None = None
    replicated_write_capacity_unit_hour: Decimal | None = None
    million_read_request_units: Decimal | None = None
    million_write_request_units: Decimal | None = None
    million_replicated_write_request_units: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RegionPrices:
    """Prices of one region, and where they come from."""

    dated: date
    source: str
    standard: CapacityPrices
    infrequent_access: CapacityPrices
    thousand_metric_stream_updates: Decimal | None = None
    firehose_gigabyte: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TablePattern:
    """Shell patterns of tables of the class Standard-Infrequent Access."""

    account: str
    region: str
    table: str

    def matches(self, account: str, region: str, table: str) -> bool:
        """Whether a table is meant."""
        pairs = ((account, self.account), (region, self.region), (table, self.table))
        return all(fnmatchcase(text, pattern) for text, pattern in pairs)


@dataclass(frozen=True, slots=True)
class Prices:
    """A price file."""

    file: str
    dated: date
    currency: str
    source: str
    regions: dict[str, RegionPrices]
    infrequent_access_tables: tuple[TablePattern, ...] = ()

    def of_table(self, account: str, region: str, table: str) -> CapacityPrices | None:
        """The prices of a table's class in its region; None where the region has none."""
        of_region = self.regions.get(region)
        if of_region is None:
            return None
        infrequent = self.table_class(account, region, table) == "infrequent_access"
        return of_region.infrequent_access if infrequent else of_region.standard

    def table_class(self, account: str, region: str, table: str) -> str:
        """``standard`` or ``infrequent_access``, by the patterns of the file."""
        named = self.infrequent_access_tables
        matches = any(pattern.matches(account, region, table) for pattern in named)
        return "infrequent_access" if matches else "standard"


def load_prices(file: Path | None = None) -> Prices:
    """The prices of a file, or those that are shipped. Raises ``PriceFileError`` with the place."""
    path = file or DEFAULT_PRICE_FILE
    try:
        document, text = read_document(path, str(path))
    except RuleError as error:
        raise _as_price_file_error(error) from error
    try:
        return _prices(document, path)
    except RuleError as error:
        raise _as_price_file_error(error).in_file(str(path), text) from error


def _as_price_file_error(error: RuleError) -> PriceFileError:
    return PriceFileError(
        error.reason, file=error.file, line=error.line, column=error.column, source=error.source
    )


def _prices(document: Item, path: Path) -> Prices:
    known = ("date", "currency", "source", "infrequent_access_tables", "regions")
    members = document.mapping(known)
    for required in ("date", "currency", "source", "regions"):
        if required not in members:
            raise document.fault(f"{required} is missing; a price file has one")
    dated, source = _date(members["date"]), members["source"].text().strip()
    currency = members["currency"].text()
    if not _CURRENCY.fullmatch(currency):
        raise members["currency"].fault(f"{currency!r} is not a currency such as USD or EUR")
    if not source:
        raise members["source"].fault("say where the prices come from")
    regions: dict[str, RegionPrices] = {}
    for name, item in members["regions"].pairs(" of regions"):
        region = name.text()
        if not _REGION.fullmatch(region):
            raise name.fault(f"{region!r} is not a region such as eu-west-1")
        if region in regions:
            raise name.fault(f"{region} is given twice")
        regions[region] = _region(item, dated, source)
    if not regions:
        raise members["regions"].fault("there is no region in it")
    tables = members.get("infrequent_access_tables")
    patterns = tuple(map(_pattern, tables.items())) if tables else ()
    return Prices(str(path), dated, currency, source, regions, patterns)


def _region(item: Item, dated: date, source: str) -> RegionPrices:
    classes = ("standard", "infrequent_access")
    others = ("thousand_metric_stream_updates", "firehose_gigabyte")
    members = item.mapping(("date", "source", *classes, *others))
    if not members.keys() & {*classes, *others}:
        raise item.fault(f"the region has no prices; give {', '.join((*classes, *others))}")
    standard, infrequent = (
        _capacity(members[name]) if name in members else CapacityPrices() for name in classes
    )
    updates, gigabyte = (_price(members[name]) if name in members else None for name in others)
    return RegionPrices(
        _date(members["date"]) if "date" in members else dated,
        members["source"].text().strip() if "source" in members else source,
        standard,
        infrequent,
        updates,
        gigabyte,
    )


def _capacity(item: Item) -> CapacityPrices:
    members = item.mapping([field.name for field in fields(CapacityPrices)])
    return CapacityPrices(**{name: _price(member) for name, member in members.items()})


def _price(item: Item) -> Decimal:
    text = item.text()
    try:
        price = Decimal(text) if _NUMBER.fullmatch(text) and len(text) <= _MOST_DIGITS else None
    except InvalidOperation:
        price = None
    if price is None:
        raise item.fault(f"{text!r} is not a price: give a number such as 0.00065, without a sign")
    return price


def _date(item: Item) -> date:
    try:
        return date.fromisoformat(item.text())
    except ValueError:
        raise item.fault(f"{item.text()!r} is not a date such as 2026-09-29") from None


def _pattern(item: Item) -> TablePattern:
    members = item.mapping(("account", "region", "table"))
    if "table" not in members:
        raise item.fault("table is missing: a name, or a shell pattern such as archive-*")
    account, region, table = (
        members[name].text() if name in members else "*" for name in ("account", "region", "table")
    )
    return TablePattern(account, region, table)
