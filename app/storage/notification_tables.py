"""The tables of notifications: who is to be told, what is on its way, who wants to hear nothing."""

import sqlalchemy as sa

from app.storage.tables import metadata

# SQLite numbers rows by itself only where the column is its INTEGER.
_LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

alarm_routed = sa.Table(
    "alarm_routed",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("group_key", sa.Text, nullable=False),
    sa.Column("alert", sa.Text, nullable=False),
    sa.Column("fired_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("first_told_ms", sa.BigInteger),
    sa.Column("last_told_ms", sa.BigInteger),
    sa.Column("flushed_ms", sa.BigInteger),
    sa.Column("acknowledged_ms", sa.BigInteger),
)

alarm_notification = sa.Table(
    "alarm_notification",
    metadata,
    sa.Column("notification_id", _LONG_ID, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("group_key", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("due_ms", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_attempt_ms", sa.BigInteger),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("finished_ms", sa.BigInteger),
    sa.Index(None, "state", "due_ms"),
)

alarm_notification_incident = sa.Table(
    "alarm_notification_incident",
    metadata,
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("notification_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Index(None, "notification_id"),
)

alarm_silence = sa.Table(
    "alarm_silence",
    metadata,
    sa.Column("silence_id", _LONG_ID, primary_key=True),
    sa.Column("matchers", sa.Text, nullable=False),
    sa.Column("starts_ms", sa.BigInteger, nullable=False),
    sa.Column("ends_ms", sa.BigInteger, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

alarm_acknowledgement = sa.Table(
    "alarm_acknowledgement",
    metadata,
    sa.Column("incident_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("acknowledged_ms", sa.BigInteger, nullable=False),
    sa.Column("acknowledged_by", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
)

alarm_dispatched = sa.Table(
    "alarm_dispatched",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("event_id", sa.BigInteger, nullable=False),
)
