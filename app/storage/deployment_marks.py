"""Marks of deployments: set once or again under their key, read by time and place, deleted."""

import re
from dataclasses import dataclass

import sqlalchemy as sa

from app.errors import InvalidParameter
from app.storage.deployment_mark_tables import deployment_mark as table
from app.storage.dialects import insert_into

LONGEST_MARK_TEXT = 200
_LONGEST_NAME = 255
_LONGEST_URL = 2_000
_URL = re.compile(r"https://[^\s/?#@]+([/?#]\S*)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NewMark:
    """What is to be marked. Empty texts: of any account, region or table; without a link.

    Without ``at_ms`` it is now, or the time of the mark that has the key already.
    """

    text: str
    at_ms: int | None = None
    ended_ms: int | None = None
    account: str = ""
    region: str = ""
    table_name: str = ""
    url: str = ""
    author: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A mark; ``at_ms`` and ``ended_ms`` are Unix milliseconds, ``created_ms`` by our clock."""

    mark_id: int
    key: str | None
    at_ms: int
    ended_ms: int | None
    text: str
    account: str
    region: str
    table_name: str
    url: str
    author: str
    created_ms: int


def set_mark(connection: sa.Connection, new: NewMark, now_ms: int) -> tuple[MarkRow, bool]:
    """Store a mark, or change the one that has its key; the row, and whether it is a new one.

    Raises ``InvalidParameter`` for what cannot be a mark.
    """
    _check_texts(new)
    earlier = None
    if new.key is not None:
        found = connection.execute(sa.select(table).where(table.c.key == new.key)).first()
        earlier = None if found is None else MarkRow(*found)
    at_ms = new.at_ms
    if at_ms is None:
        at_ms = now_ms if earlier is None else earlier.at_ms
    if new.ended_ms is not None and new.ended_ms < at_ms:
        raise InvalidParameter("end", "the end must not be before the time of the mark")
    values = {
        "at_ms": at_ms,
        "ended_ms": new.ended_ms,
        "text": new.text,
        "account": new.account,
        "region": new.region,
        "table_name": new.table_name,
        "url": new.url,
        "author": new.author,
    }
    statement = insert_into(connection, table).values(key=new.key, created_ms=now_ms, **values)
    if new.key is not None:
        # Another server may have set it since it was looked for.
        statement = statement.on_conflict_do_update(index_elements=["key"], set_=values)
    row = connection.execute(statement.returning(*table.c)).one()
    return MarkRow(*row), earlier is None


def read_deployment_marks(
    connection: sa.Connection,
    *,
    start_ms: int,
    end_ms: int,
    account: str | None = None,
    region: str | None = None,
    table_name: str | None = None,
) -> list[MarkRow]:
    """Marks that are in a range in part, the last ones first.

    With an account, region or table those of it and those of any.
    """
    query = (
        sa.select(table)
        .where(
            table.c.at_ms < end_ms,
            sa.func.coalesce(table.c.ended_ms, table.c.at_ms) >= start_ms,
        )
        .order_by(table.c.at_ms.desc(), table.c.mark_id.desc())
    )
    for column, wanted in (
        (table.c.account, account),
        (table.c.region, region),
        (table.c.table_name, table_name),
    ):
        if wanted is not None:
            query = query.where(column.in_(["", wanted]))
    return [MarkRow(*row) for row in connection.execute(query)]


def delete_mark(connection: sa.Connection, mark_id: int) -> bool:
    """Delete a mark; False when there is none of this id."""
    return bool(connection.execute(sa.delete(table).where(table.c.mark_id == mark_id)).rowcount)


def forget_marks(connection: sa.Connection, before_ms: int) -> int:
    """Delete marks that were over before a time; returns how many."""
    over_ms = sa.func.coalesce(table.c.ended_ms, table.c.at_ms)
    return connection.execute(sa.delete(table).where(over_ms < before_ms)).rowcount


def _check_texts(new: NewMark) -> None:
    names = {
        "account": new.account,
        "region": new.region,
        "table": new.table_name,
        "author": new.author,
        "key": new.key or "",
    }
    if not new.text.strip():
        raise InvalidParameter("text", "it is empty; say in some words what happened")
    if len(new.text) > LONGEST_MARK_TEXT:
        raise InvalidParameter("text", f"it has more than {LONGEST_MARK_TEXT} characters")
    if new.key is not None and not new.key:
        raise InvalidParameter("key", "it is empty; leave it out instead")
    for name, value in names.items():
        if len(value) > _LONGEST_NAME:
            raise InvalidParameter(name, f"it has more than {_LONGEST_NAME} characters")
    for name, value in {**names, "text": new.text}.items():
        if _CONTROL.search(value):
            raise InvalidParameter(name, "it holds a control character or half a character")
    if new.url and (len(new.url) > _LONGEST_URL or not _URL.fullmatch(new.url)):
        raise InvalidParameter("url", "a URL that begins with https:// is expected")
    if _CONTROL.search(new.url):
        raise InvalidParameter("url", "it holds a control character or half a character")
