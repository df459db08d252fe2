"""The list of tables, and the part of it that changes while one types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from fastapi import APIRouter, Request, Response

from app.api.pages import is_part_of_page
from app.dynamodb.resources import Resource
from app.errors import InvalidParameter
from app.web.figures import Figures
from app.web.figures.row_content import row_content
from app.web.figures.table_rows import Condition, TableFigures
from app.web.pages import query_text
from app.web.remembered import AT_ONCE_SECONDS, PATIENT_SECONDS, Kept
from app.web.tables.selecting import COLUMNS, PAGE_SIZE, Selection, select, selection_of
from app.web.time_range import PageRange
from app.web.web import Web

_GLANCE_SECONDS = 0.05


def add_tables(router: APIRouter, web: Web, figures: Figures) -> None:
    """Add the page."""

    @router.get("/tables")
    def show_tables(request: Request) -> Response:
        shown = web.range_of(request)
        asked = selection_of(request.query_params)
        is_part = is_part_of_page(request)
        kept = figures.tables(shown, PATIENT_SECONDS if is_part else AT_ONCE_SECONDS)
        # An order by cost is worth waiting for, and so is what a part is loaded again for.
        patient = is_part and (asked.sort == "cost" or "costs" in request.query_params)
        costs = _Costs()
        if kept is not None and kept.value.rows:
            costs = _costs(figures, shown, PATIENT_SECONDS if patient else _GLANCE_SECONDS)
        values = {} if kept is None else _content(web, kept, costs, asked)
        response = web.fragment(
            request,
            "tables/rows.html" if is_part else "tables/page.html",
            is_ready=kept is not None or not is_part,
            range=shown,
            is_part=is_part,
            asked=asked,
            kept=kept,
            again=asked.parameters(),
            **values,
        )
        if is_part:
            # The address of what is shown now, to be kept, sent to others or loaded again.
            query = query_text({**asked.parameters(), **shown.parameters})
            response.headers["HX-Replace-Url"] = f"/tables{query}"
        return response


@dataclass(frozen=True, slots=True)
class _Costs:
    """Costs by table; not ``ready`` while they are being worked out."""

    ready: bool = False
    currency: str = "USD"
    amounts: Mapping[Resource, Decimal | None] = field(default_factory=dict)


def _costs(figures: Figures, shown: PageRange, wait_seconds: float) -> _Costs:
    try:
        kept = figures.day_costs(shown, wait_seconds)
    except InvalidParameter:
        # There is no whole hour yet.
        return _Costs(ready=True)
    if kept is None:
        return _Costs()
    amounts = {table.table: table.total.amounts.cost for table in kept.value.tables}
    return _Costs(ready=True, currency=kept.value.prices.currency, amounts=amounts)


def _content(
    web: Web, kept: Kept[TableFigures], costs: _Costs, asked: Selection
) -> dict[str, object]:
    found = kept.value
    rows = select(found.rows, asked, costs.amounts)
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    page = min(asked.page, pages)
    begin = (page - 1) * PAGE_SIZE
    on_page = rows[begin : begin + PAGE_SIZE]
    conditions = [row.condition for row in rows]
    return {
        "rows": [row_content(row, costs.amounts.get(row.resource)) for row in on_page],
        "columns": [
            {
                "title": column.title,
                "unit": column.unit,
                "is_number": column.is_number and column.name not in {"state", "mode"},
                "is_place": column.name in {"account", "mode"},
                "query": asked.sorted_by(column),
                "sort": ("ascending" if asked.ascending else "descending")
                if column.name == asked.sort
                else None,
            }
            for column in COLUMNS
        ],
        "found": len(rows),
        "begin": begin + 1 if rows else 0,
        "end": begin + len(on_page),
        "page": page,
        "pages": pages,
        "total": len(found.rows),
        "counts": [(each, conditions.count(each)) for each in Condition if each in set(conditions)],
        "accounts": sorted({row.resource.account for row in found.rows}),
        "regions": sorted({row.resource.region for row in found.rows}),
        "costs_ready": costs.ready,
        "currency": costs.currency,
        "resolution_ms": found.resolution_ms,
        "recent": web.context.clock.now_ms() - kept.at_ms,
    }
