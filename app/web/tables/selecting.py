"""Which tables are listed, and in which order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from app.dynamodb.resources import Resource
from app.errors import InvalidParameter
from app.web.figures.table_rows import Condition, TableRow

PAGE_SIZE = 100
Costs: TypeAlias = Mapping[Resource, Decimal | None]
_Key: TypeAlias = str | float | Decimal | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column by which the list can be sorted; numbers begin with the highest."""

    name: str
    title: str
    unit: str
    key: Callable[[TableRow, Costs], _Key]
    is_number: bool = True


COLUMNS = (
    Column("table", "Table", "", lambda row, _: row.resource.table, is_number=False),
    Column("state", "State", "", lambda row, _: -row.condition.rank, is_number=True),
    Column("account", "Account", "", lambda row, _: row.resource.account, is_number=False),
    Column("region", "Region", "", lambda row, _: row.resource.region, is_number=False),
    Column("mode", "Capacity", "", lambda row, _: float(row.provisioned)),
    Column("reads", "Reads", "units/s", lambda row, _: row.consumed_read),
    Column("writes", "Writes", "units/s", lambda row, _: row.consumed_write),
    Column("utilization", "Peak use", "of limit", lambda row, _: row.utilization_peak),
    Column("throttles", "Throttles", "events", lambda row, _: row.all_throttles),
    Column("latency", "Slowest", "average", lambda row, _: row.latency),
    Column("errors", "Errors", "HTTP 500", lambda row, _: row.system_errors),
    Column("cost", "Cost", "24 h", lambda row, costs: costs.get(row.resource)),
)
_BY_NAME = {column.name: column for column in COLUMNS}
_STANDARD = "state"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a URL of the page asks for; empty texts are no condition. ``page`` begins with 1."""

    search: str = ""
    account: str = ""
    region: str = ""
    problems: bool = False
    sort: str = _STANDARD
    ascending: bool = False
    page: int = 1

    @property
    def column(self) -> Column:
        """By what it is sorted."""
        return _BY_NAME[self.sort]

    def parameters(self, **changed: object) -> dict[str, object]:
        """The query of the page with some of it changed; what is usual is left out."""
        is_usual = self.ascending is not self.column.is_number
        values: dict[str, object] = {
            "q": self.search or None,
            "account": self.account or None,
            "region": self.region or None,
            "problems": "1" if self.problems else None,
            "sort": None if self.sort == _STANDARD and is_usual else self.sort,
            "order": None if is_usual else ("asc" if self.ascending else "desc"),
            "page": self.page if self.page > 1 else None,
        }
        return {**values, **changed}

    def sorted_by(self, column: Column) -> dict[str, object]:
        """The query of the link in a column's head: its usual order, and then the other one."""
        ascending = not column.is_number
        if column.name == self.sort:
            ascending = not self.ascending
        usual = ascending is not column.is_number
        order = None if usual else ("asc" if ascending else "desc")
        return self.parameters(sort=column.name, order=order, page=None)


def selection_of(query: Mapping[str, str]) -> Selection:
    """The selection of a query. Raises ``InvalidParameter``."""
    sort = query.get("sort") or _STANDARD
    if sort not in _BY_NAME:
        raise InvalidParameter("sort", f"{sort!r} is no column; there are {', '.join(_BY_NAME)}")
    order = query.get("order") or ("desc" if _BY_NAME[sort].is_number else "asc")
    if order not in {"asc", "desc"}:
        raise InvalidParameter("order", f"{order!r} is neither asc nor desc")
    page = query.get("page") or "1"
    if not (page.isascii() and page.isdigit() and 0 < len(page) < 7 and int(page)):  # noqa: PLR2004
        raise InvalidParameter("page", f"{page!r} is not the number of a page; they begin with 1")
    return Selection(
        query.get("q", "").strip(),
        query.get("account", "").strip(),
        query.get("region", "").strip(),
        query.get("problems", "") not in {"", "0"},
        sort,
        order == "asc",
        int(page),
    )


def select(rows: Sequence[TableRow], asked: Selection, costs: Costs) -> list[TableRow]:
    """The rows that are asked for, in order; those without the value come last, ties by name."""
    sought = asked.search.casefold()
    found = [
        row
        for row in rows
        if sought in row.resource.table.casefold()
        and asked.account in {"", row.resource.account}
        and asked.region in {"", row.resource.region}
        and not (asked.problems and row.condition is Condition.CALM)
    ]
    keys = [(asked.column.key(row, costs), row) for row in found]
    known = [(key, row) for key, row in keys if key is not None]
    # The sort is stable, and the rows are in the order of their names.
    known.sort(key=lambda item: item[0], reverse=not asked.ascending)
    # Of equal state, what throttles most is first.
    if asked.sort == _STANDARD:
        known.sort(key=lambda item: item[1].all_throttles, reverse=not asked.ascending)
        known.sort(key=lambda item: item[0], reverse=not asked.ascending)
    return [row for _, row in known] + [row for key, row in keys if key is None]
