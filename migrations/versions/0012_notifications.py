"""Notifications of alarms: who is to be told, the outbox, silences and acknowledgements."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only where the column is its INTEGER.
_LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "alarm_routed",
    "alarm_notification",
    "alarm_notification_incident",
    "alarm_silence",
    "alarm_acknowledgement",
    "alarm_dispatched",
)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, autoincrement=False)


def upgrade() -> None:
    """Add six small tables; the previous release does not know them and is not disturbed."""
    op.create_table(
        "alarm_routed",
        _text("channel"),
        _number("incident_id"),
        _text("group_key"),
        _text("alert"),
        _number("fired_ms"),
        *(
            _number(name, nullable=True)
            for name in (
                "ended_ms",
                "first_told_ms",
                "last_told_ms",
                "flushed_ms",
                "acknowledged_ms",
            )
        ),
        sa.PrimaryKeyConstraint("channel", "incident_id", name="pk_alarm_routed"),
    )
    op.create_table(
        "alarm_notification",
        sa.Column("notification_id", _LONG_ID, nullable=False),
        *(_text(name) for name in ("key", "channel", "kind", "group_key", "content", "state")),
        _number("created_ms"),
        _number("due_ms"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _number("last_attempt_ms", nullable=True),
        _text("last_error"),
        _number("finished_ms", nullable=True),
        sa.PrimaryKeyConstraint("notification_id", name="pk_alarm_notification"),
        sa.UniqueConstraint("key", name="uq_alarm_notification_key"),
    )
    op.create_index("ix_alarm_notification_state_due_ms", "alarm_notification", ["state", "due_ms"])
    op.create_table(
        "alarm_notification_incident",
        _number("incident_id"),
        _number("notification_id"),
        sa.PrimaryKeyConstraint(
            "incident_id", "notification_id", name="pk_alarm_notification_incident"
        ),
    )
    op.create_index(
        "ix_alarm_notification_incident_notification_id",
        "alarm_notification_incident",
        ["notification_id"],
    )
    op.create_table(
        "alarm_silence",
        sa.Column("silence_id", _LONG_ID, nullable=False),
        _text("matchers"),
        _number("starts_ms"),
        _number("ends_ms"),
        _text("comment"),
        _text("created_by"),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("silence_id", name="pk_alarm_silence"),
    )
    op.create_table(
        "alarm_acknowledgement",
        _number("incident_id"),
        _number("acknowledged_ms"),
        _text("acknowledged_by"),
        _text("comment"),
        sa.PrimaryKeyConstraint("incident_id", name="pk_alarm_acknowledgement"),
    )
    op.create_table(
        "alarm_dispatched",
        _text("name"),
        _number("event_id"),
        sa.PrimaryKeyConstraint("name", name="pk_alarm_dispatched"),
    )


def downgrade() -> None:
    """Forget who was told what; alarms themselves are not concerned."""
    for name in reversed(_TABLES):
        op.drop_table(name)
