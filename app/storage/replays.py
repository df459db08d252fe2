"""How far objects of S3 have been replayed, written together with what was in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import sqlalchemy as sa

from app.catalog.identity import DIGEST_BYTES
from app.storage.chunks import chunked
from app.storage.dialects import insert_into
from app.storage.tables import LONGEST_REQUEST_ID, replay
from app.storage.text import storable


@dataclass(frozen=True, slots=True)
class ReplayedObject:
    """State of an object: up to byte ``position`` of its content everything is stored.

    ``round`` counts how often it was to be done again.
    """

    position: int = 0
    round: int = 0
    finished: bool = False


def object_digest(*parts: str) -> bytes:
    """What makes an object, or a file of an archive, the same as before: name and version."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        text = part.encode("utf-8", "surrogateescape")
        digest.update(len(text).to_bytes(4, "big") + text)
    return digest.digest()


def read_replayed(connection: sa.Connection, digest: bytes) -> ReplayedObject:
    """State of an object; that of one never seen is the default."""
    columns = replay.c.position, replay.c.round, replay.c.finished_ms.is_not(None)
    row = connection.execute(sa.select(*columns).where(replay.c.digest == digest)).first()
    return ReplayedObject(row[0], row[1], bool(row[2])) if row else ReplayedObject()


def advance_replayed(
    connection: sa.Connection,
    digest: bytes,
    name: str,
    position: int,
    now_ms: int,
    *,
    records: int = 0,
    points: int = 0,
    rejections: int = 0,
) -> None:
    """Say that an object is stored up to ``position``, and add to what was in it."""
    statement = insert_into(connection, replay).values(
        digest=digest,
        object=short_name(name),
        round=0,
        position=position,
        records=records,
        points=points,
        rejections=rejections,
        started_ms=now_ms,
        updated_ms=now_ms,
    )
    new = statement.excluded
    further = sa.case((new.position > replay.c.position, new.position), else_=replay.c.position)
    added = {name: replay.c[name] + new[name] for name in ("records", "points", "rejections")}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["digest"],
            set_={"position": further, "updated_ms": new.updated_ms, **added},
        )
    )


def finish_replayed(connection: sa.Connection, digest: bytes, name: str, now_ms: int) -> None:
    """Say that an object is stored as a whole."""
    advance_replayed(connection, digest, name, 0, now_ms)
    connection.execute(
        sa.update(replay).where(replay.c.digest == digest).values(finished_ms=now_ms)
    )


def restart_replayed(connection: sa.Connection, digests: Sequence[bytes]) -> None:
    """Have objects done again from their beginning."""
    for chunk in chunked(digests, 500):
        connection.execute(
            sa.update(replay)
            .where(replay.c.digest.in_(chunk))
            .values(
                position=0,
                round=replay.c.round + 1,
                records=0,
                points=0,
                rejections=0,
                finished_ms=None,
            )
        )


def short_name(name: str) -> str:
    """The end of a name that is too long, where keys differ."""
    text = storable(name)
    return text if len(text) <= LONGEST_REQUEST_ID else f"…{text[1 - LONGEST_REQUEST_ID :]}"
