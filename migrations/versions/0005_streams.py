"""What is known of each metric stream, its warnings, and refused access keys."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STREAM = ("account", "region", "stream")
_PART = ("since_ms", "last_ms", "occurrences")
# By table: columns of the key, and times and counts beside it.
_TABLES = {
    "stream": (
        _STREAM,
        (
            "first_seen_ms",
            "last_request_ms",
            "last_received_ms",
            "newest_ms",
            "newest_end_ms",
            "points",
            "requests",
            "duplicates",
            "records",
            "rejected_records",
            "request_bytes",
            "last_request_bytes",
            "largest_request_bytes",
        ),
    ),
    "stream_part": ((*_STREAM, "aspect", "name"), _PART),
    "stream_window": (
        _STREAM,
        ("points", "requests", "records", "rejected_records", "lag_ms"),
    ),
    "stream_warning": (("kind", *_STREAM, "subject"), ("raised_ms",)),
    "refused_key": (("route", "source", "address", "reason"), _PART),
}


def upgrade() -> None:
    """Add five small tables; the previous release does not know them and is not disturbed."""
    for name, (keys, numbers) in _TABLES.items():
        columns: list[sa.Column[str] | sa.Column[int]] = [
            sa.Column(key, sa.Text, nullable=False) for key in keys
        ]
        primary = keys
        if name == "stream":
            columns.append(sa.Column("source", sa.Text, nullable=False))
        if name == "stream_window":
            primary = (*keys, "start_ms")
            columns += [
                sa.Column("start_ms", sa.BigInteger, nullable=False, autoincrement=False),
                sa.Column("active", sa.Integer, nullable=False),
            ]
        columns += [sa.Column(number, sa.BigInteger, nullable=False) for number in numbers]
        op.create_table(name, *columns, sa.PrimaryKeyConstraint(*primary, name=f"pk_{name}"))


def downgrade() -> None:
    """Forget what is known of streams; points are not concerned."""
    for name in reversed(_TABLES):
        op.drop_table(name)
