"""The report of accounts: totals of tables and indexes, and the account's limits."""

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.figures import FIGURE_COLUMNS, figure_content, figures_content
from app.api.dynamodb.heads import head_of
from app.api.dynamodb.parameters import PlaceParameter
from app.api.dynamodb.report_schemas import accounts
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.report import ACCOUNT_METRICS, AccountReport, report_of_accounts
from app.dynamodb.scope import Reading, read_scope

_PLACE = ("account", "region", "tables", "indexes")


def add_account(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/account",
        summary="Totals and limits of accounts, by region",
        responses=list_responses(accounts()),
    )
    def read_accounts(
        request: Request, asked: PlaceParameter, answer_format: FormatParameter
    ) -> Response:
        scope = asked.at(context.clock)
        with context.store.read() as connection:
            reading = read_scope(
                connection, scope, ACCOUNT_METRICS, most_points=context.query_max_points
            )
        closed = scope.is_over(context.clock.now_ms())
        answer = accounts_answer(reading, report_of_accounts(reading), closed=closed)
        return answer_response(request, answer_format, answer)


def accounts_answer(
    reading: Reading, found: Sequence[AccountReport], *, closed: bool = False
) -> Answer:
    """The answer of the route and of the command."""
    items = [{**_place(each), "figures": figures_content(each.figures)} for each in found]

    def blocks() -> Iterator[Block]:
        for each in found:
            for name, figure in each.figures.items():
                yield Block({**_place(each), "figure": name, **figure_content(name, figure)})

    table = Table((*_PLACE, "figure", *FIGURE_COLUMNS), blocks)
    return Answer(head_of(reading), "accounts", items, table, closed=closed)


def _place(report: AccountReport) -> dict[str, object]:
    values = (report.account, report.region, report.tables, report.indexes)
    return dict(zip(_PLACE, values, strict=True))
