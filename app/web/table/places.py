"""In which accounts and regions there is a table of a name."""

from collections.abc import Sequence

from app.dynamodb.resources import NAMESPACE, TABLE, Resource
from app.dynamodb.scope import check_table
from app.storage import Connection, SeriesFilter, search_series


def places_of(
    connection: Connection, table: str, account: str | None, region: str | None
) -> Sequence[Resource]:
    """The tables of a name, in an account and a region where these are given, in their order.

    Raises ``NotFound`` with similar names where there is none.
    """
    wanted = SeriesFilter(NAMESPACE, None, account, region, ((TABLE, table),))
    found = {
        Resource(identity.account, identity.region, table)
        for _, identity in search_series(connection, wanted)
    }
    if not found:
        check_table(connection, account, region, table)
    return sorted(found)
