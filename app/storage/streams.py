"""What is known of streams, in SQL: counts are added, never replaced.

Several processes add to the same rows. Whoever writes here has a lock that nobody waits for: who
does not get it comes again, so that no transaction, a delivery's least of all, waits for another
one's counts.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from app.storage.chunks import chunked
from app.storage.dialects import insert_into
from app.storage.stream_tables import refused_key, stream, stream_part, stream_window
from app.streams import (
    MOST_STREAMS,
    OTHER_STREAM,
    Aspect,
    Part,
    Refusals,
    RefusedKey,
    StreamCounts,
    StreamKey,
    Window,
    merge_into,
)
from app.streams.counts import KEPT_WINDOWS_MS, MOST_PARTS, RUN_GAP_MS

# Advisory locks are numbered for the database as a whole; this tells ours from others'.
_STREAMS = 0x48595354
_FORGOTTEN_AT_ONCE = 5_000

_KEY = ("account", "region", "stream")
_ADDED = (
    "points",
    "requests",
    "duplicates",
    "records",
    "rejected_records",
    "request_bytes",
)
_GREATEST = (
    "last_request_ms",
    "last_received_ms",
    "newest_ms",
    "newest_end_ms",
    "largest_request_bytes",
)
_OF_LAST_REQUEST = ("source", "last_request_bytes")
_COUNTS = ("first_seen_ms", *_OF_LAST_REQUEST, *_ADDED, *_GREATEST)
_WINDOW_ADDED = ("points", "requests", "records", "rejected_records")
_WINDOW = ("active", *_WINDOW_ADDED, "lag_ms")
_PART = ("since_ms", "last_ms", "occurrences")


def try_lock_streams(connection: sa.Connection) -> bool:
    """Whether this transaction may write here; held until its end. Never waits.

    SQLite lets only one transaction write anyway.
    """
    if connection.dialect.name != "postgresql":
        return True
    lock = sa.func.pg_try_advisory_xact_lock(_STREAMS, 0)
    return bool(connection.execute(sa.select(lock)).scalar_one())


def add_to_streams(
    connection: sa.Connection,
    streams: Iterable[StreamCounts],
    refused: Refusals,
    *,
    most: int = MOST_STREAMS,
    most_parts: int = MOST_PARTS,
) -> bool:
    """Add counts to those that are stored; False if another process is about it.

    Streams above ``most`` stored ones go together, parts above ``most_parts`` of a stream nowhere.
    """
    if not try_lock_streams(connection):
        return False
    rows, parts, windows = [], [], []
    full = _full_streams(connection, most_parts)
    for counts in _kept_apart(connection, list(streams), most):
        key = counts.key._asdict()
        rows.append({**key, **{name: getattr(counts, name) for name in _COUNTS}})
        parts += [
            {**key, "aspect": aspect.value, "name": name, **_part_row(part)}
            for (aspect, name), part in counts.parts.items()
            if counts.key not in full or (aspect.value, name) in full[counts.key]
        ]
        windows += [
            {**key, "start_ms": start_ms, **{name: getattr(window, name) for name in _WINDOW}}
            for start_ms, window in counts.windows.items()
        ]
    _upsert(connection, stream, rows, _added_counts)
    _upsert(connection, stream_part, parts, _added_part)
    _upsert(connection, stream_window, windows, _added_window)
    if refused.of:
        # Those that are stored decide which ones are kept apart, over all processes.
        folded = refused.folded(Refusals(read_refused(connection)))
        of_keys = [{**key._asdict(), **_part_row(part)} for key, part in folded.of.items()]
        _upsert(connection, refused_key, of_keys, _added_part)
    return True


def _kept_apart(
    connection: sa.Connection, streams: list[StreamCounts], most: int
) -> Iterable[StreamCounts]:
    """The counts, those of new streams above ``most`` under the key of all others."""
    stored = connection.execute(sa.select(sa.func.count()).select_from(stream)).scalar_one()
    if stored + len(streams) <= most:
        return streams
    columns = [stream.c[name] for name in _KEY]
    known = {StreamKey(*row) for row in connection.execute(sa.select(*columns))}
    ordered = sorted(streams, key=lambda counts: counts.key not in known)
    room = len(known.intersection(counts.key for counts in streams)) + max(0, most - len(known))
    together: dict[StreamKey, StreamCounts] = {}
    merge_into(together, ordered, most=room, other=OTHER_STREAM)
    return [together[key] for key in sorted(together)]


def _full_streams(connection: sa.Connection, most: int) -> dict[StreamKey, set[tuple[str, str]]]:
    """Streams with so many stored parts that there is no room for others, and these parts."""
    columns = [stream_part.c[name] for name in _KEY]
    many = sa.select(*columns).group_by(*columns).having(sa.func.count() >= most)
    found = {}
    for key in [StreamKey(*row) for row in connection.execute(many)]:
        is_of = (stream_part.c[name] == value for name, value in key._asdict().items())
        names = sa.select(stream_part.c.aspect, stream_part.c.name).where(*is_of)
        found[key] = {(row.aspect, row.name) for row in connection.execute(names)}
    return found


def read_streams(
    connection: sa.Connection, *, account: str | None = None, region: str | None = None
) -> dict[StreamKey, StreamCounts]:
    """All that is stored of streams, in the order of their keys."""
    given = {"account": account, "region": region}

    def rows_of(table: sa.Table) -> sa.CursorResult[Any]:
        query = sa.select(table).order_by(*(table.c[name] for name in _KEY))
        for name, value in given.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        return connection.execute(query)

    found: dict[StreamKey, StreamCounts] = {}
    for row in rows_of(stream):
        key = StreamKey(row.account, row.region, row.stream)
        found[key] = StreamCounts(key, **{name: getattr(row, name) for name in _COUNTS})
    for row in rows_of(stream_part):
        counts = found.get(StreamKey(row.account, row.region, row.stream))
        if counts is not None:
            part = Part(row.since_ms, row.last_ms, row.occurrences)
            counts.parts[Aspect(row.aspect), row.name] = part
    for row in rows_of(stream_window):
        counts = found.get(StreamKey(row.account, row.region, row.stream))
        if counts is not None:
            window = Window(*(getattr(row, name) for name in _WINDOW))
            counts.windows[row.start_ms] = window
    return found


def read_refused(connection: sa.Connection) -> dict[RefusedKey, Part]:
    """Refused requests by who claims to send them."""
    rows = connection.execute(sa.select(refused_key))
    return {
        RefusedKey(row.route, row.source, row.address, row.reason): Part(
            row.since_ms, row.last_ms, row.occurrences
        )
        for row in rows
    }


def forget_streams(connection: sa.Connection, before_ms: int) -> int:
    """Delete streams and parts not seen since a time, and windows that are too old.

    Returns how many streams; 0 also when another process is writing here.
    """
    if not try_lock_streams(connection):
        return 0
    silent = sa.select(stream).where(stream.c.last_request_ms < before_ms)
    keys = [(row.account, row.region, row.stream) for row in connection.execute(silent)]
    for chunk in chunked(keys[:_FORGOTTEN_AT_ONCE], 100):
        for table in (stream, stream_part, stream_window):
            columns = sa.tuple_(*(table.c[name] for name in _KEY))
            connection.execute(sa.delete(table).where(columns.in_(chunk)))
    for table in (stream_part, refused_key):
        connection.execute(sa.delete(table).where(table.c.last_ms < before_ms))
    kept_from = sa.select(stream.c.last_request_ms - KEPT_WINDOWS_MS).where(
        *(stream.c[name] == stream_window.c[name] for name in _KEY)
    )
    connection.execute(
        sa.delete(stream_window).where(stream_window.c.start_ms < kept_from.scalar_subquery())
    )
    return len(keys[:_FORGOTTEN_AT_ONCE])


def _part_row(part: Part) -> dict[str, int]:
    return {name: getattr(part, name) for name in _PART}


def _greater(new: Any, old: Any) -> Any:  # noqa: ANN401 - columns
    return sa.case((new > old, new), else_=old)


def _added_counts(new: Any, old: Any) -> dict[str, Any]:  # noqa: ANN401 - collections of columns
    later = new.last_request_ms >= old.last_request_ms
    return {
        "first_seen_ms": sa.case(
            (new.first_seen_ms < old.first_seen_ms, new.first_seen_ms), else_=old.first_seen_ms
        ),
        **{name: old[name] + new[name] for name in _ADDED},
        **{name: _greater(new[name], old[name]) for name in _GREATEST},
        **{name: sa.case((later, new[name]), else_=old[name]) for name in _OF_LAST_REQUEST},
    }


def _added_part(new: Any, old: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """As ``Part.add`` does."""
    return {
        "since_ms": sa.case(
            (new.since_ms - old.last_ms > RUN_GAP_MS, new.since_ms),
            (old.since_ms - new.last_ms > RUN_GAP_MS, old.since_ms),
            (new.since_ms < old.since_ms, new.since_ms),
            else_=old.since_ms,
        ),
        "last_ms": _greater(new.last_ms, old.last_ms),
        "occurrences": old.occurrences + new.occurrences,
    }


def _added_window(new: Any, old: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return {
        "active": old.active.bitwise_or(new.active),
        **{name: old[name] + new[name] for name in _WINDOW_ADDED},
        "lag_ms": _greater(new.lag_ms, old.lag_ms),
    }


def _upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[dict[str, Any]],
    added: Any,  # noqa: ANN401 - one of the three above
) -> None:
    if not rows:
        return
    statement = insert_into(connection, table)
    keys = [column.name for column in table.primary_key.columns]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=keys, set_=added(statement.excluded, table.c)
        ),
        rows,
    )
