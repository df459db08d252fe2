"""The tables of streams: what came of each, in windows, what was warned of, and refused keys."""

import sqlalchemy as sa

from app.storage.tables import metadata


def _stream_key() -> tuple[sa.Column[str], ...]:
    return tuple(
        sa.Column(name, sa.Text, primary_key=True) for name in ("account", "region", "stream")
    )


stream = sa.Table(
    "stream",
    metadata,
    *_stream_key(),
    sa.Column("source", sa.Text, nullable=False),
    # Of all times here, 0 is never: the greater one counts, on both databases.
    sa.Column("first_seen_ms", sa.BigInteger, nullable=False),
    sa.Column("last_request_ms", sa.BigInteger, nullable=False),
    sa.Column("last_received_ms", sa.BigInteger, nullable=False),
    sa.Column("newest_ms", sa.BigInteger, nullable=False),
    sa.Column("newest_end_ms", sa.BigInteger, nullable=False),
    sa.Column("points", sa.BigInteger, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("rejected_records", sa.BigInteger, nullable=False),
    sa.Column("request_bytes", sa.BigInteger, nullable=False),
    sa.Column("last_request_bytes", sa.BigInteger, nullable=False),
    sa.Column("largest_request_bytes", sa.BigInteger, nullable=False),
)

stream_part = sa.Table(
    "stream_part",
    metadata,
    *_stream_key(),
    sa.Column("aspect", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("occurrences", sa.BigInteger, nullable=False),
)

stream_window = sa.Table(
    "stream_window",
    metadata,
    *_stream_key(),
    sa.Column("start_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("points", sa.BigInteger, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("rejected_records", sa.BigInteger, nullable=False),
    sa.Column("lag_ms", sa.BigInteger, nullable=False),
)

stream_warning = sa.Table(
    "stream_warning",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    *_stream_key(),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("raised_ms", sa.BigInteger, nullable=False),
)

refused_key = sa.Table(
    "refused_key",
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("occurrences", sa.BigInteger, nullable=False),
)
