"""Query parameters that the routes of DynamoDB share."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from app.clock import Clock
from app.dynamodb.scope import DEFAULT_MS, Scope, scope_of
from app.query import parse_time_ms


@dataclass(frozen=True, slots=True)
class AskedScope:
    """What was asked for; times are None where they were not given."""

    account: str | None
    region: str | None
    table: str | None
    start_ms: int | None
    end_ms: int | None

    def at(self, clock: Clock, *, table: str | None = None, default_ms: int = DEFAULT_MS) -> Scope:
        """The scope of a question asked now; ``table`` is that of the path."""
        return scope_of(
            clock.now_ms(),
            account=self.account,
            region=self.region,
            table=self.table if table is None else table,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
            default_ms=default_ms,
        )


def place_and_time(
    account: Annotated[str | None, Query(description="Twelve digits; default: all")] = None,
    region: Annotated[str | None, Query(description="Such as eu-west-1; default: all")] = None,
    start: Annotated[
        str | None,
        Query(description="Inclusive; default: an hour before the end, 28 days for /limits"),
    ] = None,
    end: Annotated[str | None, Query(description="Exclusive; default: now")] = None,
) -> AskedScope:
    """The parameters ``account``, ``region``, ``start`` and ``end``, of a route for one table."""
    start_ms = None if start is None else parse_time_ms("start", start)
    end_ms = None if end is None else parse_time_ms("end", end)
    return AskedScope(account, region, None, start_ms, end_ms)


PlaceParameter = Annotated[AskedScope, Depends(place_and_time)]


def asked_scope(
    place: PlaceParameter,
    table: Annotated[str | None, Query(description="Name of a table; default: all")] = None,
) -> AskedScope:
    """The same and ``table``."""
    return AskedScope(place.account, place.region, table, place.start_ms, place.end_ms)


ScopeParameter = Annotated[AskedScope, Depends(asked_scope)]
