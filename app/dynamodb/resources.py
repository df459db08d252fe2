"""What DynamoDB's series belong to: a table, one of its indexes, an operation, or the account."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.catalog import SeriesIdentity

NAMESPACE = "AWS/DynamoDB"
TABLE = "TableName"
INDEX = "GlobalSecondaryIndexName"
OPERATION = "Operation"

_OF_RESOURCE = (frozenset((TABLE,)), frozenset((TABLE, INDEX)))


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """A table, or with ``index`` one of its global secondary indexes, in a region of an account."""

    account: str
    region: str
    table: str
    index: str = ""

    @property
    def of_table(self) -> "Resource":
        """The table to which an index belongs; a table is its own."""
        return Resource(self.account, self.region, self.table)

    @property
    def name(self) -> str:
        """The table, and the index behind a slash."""
        return f"{self.table}/{self.index}" if self.index else self.table


def resource_of(identity: SeriesIdentity) -> Resource | None:
    """The table or index of a series that has no other dimensions; None for any other series.

    Capacity by ``Source`` is contained in the capacity without it, and therefore has none.
    """
    dimensions: Mapping[str, str] = dict(identity.dimensions)
    if dimensions.keys() not in _OF_RESOURCE:
        return None
    index = dimensions.get(INDEX, "")
    return Resource(identity.account, identity.region, dimensions[TABLE], index)


def operation_of(identity: SeriesIdentity) -> tuple[Resource, str] | None:
    """Table and operation of a series by {TableName, Operation} alone; None for any other."""
    dimensions: Mapping[str, str] = dict(identity.dimensions)
    if dimensions.keys() != {TABLE, OPERATION}:
        return None
    table = Resource(identity.account, identity.region, dimensions[TABLE])
    return table, dimensions[OPERATION]
