"""Which tables are listed, in which order, and the links to other orders."""

import pytest

from app.dynamodb.resources import Resource
from app.errors import InvalidParameter
from app.web.figures.spark_line import step_means
from app.web.figures.table_rows import Condition, TableRow
from app.web.tables.selecting import COLUMNS, Selection, select, selection_of


def _row(
    name: str,
    *,
    reads: float | None = None,
    throttles: float = 0.0,
    condition: Condition = Condition.CALM,
) -> TableRow:
    return TableRow(
        Resource("1", "r", name),
        provisioned=False,
        consumed_read=reads,
        consumed_write=None,
        utilization_peak=None,
        throttles=throttles,
        index_throttles=0.0,
        throttled_until_ms=None,
        slowest=None,
        system_errors=None,
        indexes=0,
        condition=condition,
        spark=step_means([], 0, 60_000, 60_000),
    )


def _names(rows: list[TableRow], **query: str) -> list[str]:
    return [row.resource.table for row in select(rows, selection_of(query), {})]


def test_the_worst_come_first() -> None:
    rows = [
        _row("a"),
        _row("b", throttles=3, condition=Condition.WAS_THROTTLED),
        _row("c", throttles=1, condition=Condition.THROTTLED),
        _row("d", throttles=9, condition=Condition.WAS_THROTTLED),
        _row("e", condition=Condition.FULL),
        _row("f"),
    ]
    assert _names(rows) == ["c", "d", "b", "e", "a", "f"]
    assert _names(rows, problems="1") == ["c", "d", "b", "e"]
    assert _names(rows, order="asc")[0] == "a"


def test_missing_values_come_last_either_way() -> None:
    rows = [_row("a"), _row("b", reads=1.0), _row("c", reads=2.0), _row("d", reads=1.0)]
    assert _names(rows, sort="reads") == ["c", "b", "d", "a"]
    assert _names(rows, sort="reads", order="asc") == ["b", "d", "c", "a"]


def test_a_part_of_a_name_in_any_case_is_enough() -> None:
    rows = [_row("Orders"), _row("reorder"), _row("carts")]
    assert _names(rows, q="ORD", sort="table") == ["Orders", "reorder"]
    assert _names(rows, q=" carts ") == ["carts"]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_column_turns_its_order_and_keeps_the_rest(column: object) -> None:
    asked = selection_of({"q": "x", "page": "3"})
    assert column in COLUMNS
    found = next(each for each in COLUMNS if each is column)
    first = {k: str(v) for k, v in asked.sorted_by(found).items() if v is not None}
    assert first["q"] == "x"
    assert "page" not in first
    once = selection_of(first)
    twice = selection_of({k: str(v) for k, v in once.sorted_by(found).items() if v is not None})
    assert (once.sort, twice.sort) == (found.name, found.name)
    assert once.ascending is not twice.ascending


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "9999999", "²"])
def test_pages_are_numbers(page: str) -> None:
    with pytest.raises(InvalidParameter):
        selection_of({"page": page})


def test_what_is_usual_is_not_in_addresses() -> None:
    assert {k: v for k, v in Selection().parameters().items() if v is not None} == {}
