"""The tables of alarms: marks, how far evaluation is, transitions, states, incidents, events.

An entity is JSON text of an object with sorted names, so that SQL reads it and that equal ones are
equal texts. Times in ``at_ms``, ``since_ms``, ``started_ms`` and ``ended_ms`` are those of the
data; times of our own clock say so.
"""

from typing import Any

import sqlalchemy as sa

from app.storage.tables import metadata

_LONG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _entity_key() -> list[sa.Column[Any]]:
    return [
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
    ]


# Minutes that the rules of metrics have evaluated and those of alarms have not.
alarm_mark = sa.Table(
    "alarm_mark",
    metadata,
    sa.Column("mark_id", _LONG_ID, primary_key=True),
    sa.Column("minute", sa.Integer, nullable=False),
    sqlite_autoincrement=True,
)

alarm_progress = sa.Table(
    "alarm_progress",
    metadata,
    # There is one row, 1.
    sa.Column("progress_id", sa.Integer, primary_key=True, autoincrement=False),
    # Up to here datapoints have been evaluated, exclusive of none that ends later.
    sa.Column("frontier_ms", sa.BigInteger, nullable=False),
    # The newest minute that came with a mark.
    sa.Column("newest_minute", sa.BigInteger, nullable=False),
    # JSON: by minute of the newest data, how many minutes the farthest mark was behind it.
    sa.Column("disorder", sa.Text, nullable=False),
)

alarm_rule = sa.Table(
    "alarm_rule",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    # Of what decides its states; another digest is another rule.
    sa.Column("digest", sa.Text, nullable=False),
    # Datapoints that end later are evaluated by it, earlier ones never.
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("evaluated_ms", sa.BigInteger, nullable=False),
    # Empty while its evaluation works.
    sa.Column("error", sa.Text, nullable=False),
    # By our clock.
    sa.Column("error_since_ms", sa.BigInteger),
)

alarm_state = sa.Table(
    "alarm_state",
    metadata,
    *_entity_key(),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("datapoints", sa.Text, nullable=False),
    sa.Column("value", sa.Double),
    sa.PrimaryKeyConstraint("rule", "entity"),
)

alarm_transition = sa.Table(
    "alarm_transition",
    metadata,
    sa.Column("transition_id", _LONG_ID, primary_key=True),
    *_entity_key(),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    # JSON: pairs of the end of a period and its value, null where there is none.
    sa.Column("datapoints", sa.Text, nullable=False),
    # By our clock, as withdrawn_ms.
    sa.Column("evaluated_ms", sa.BigInteger, nullable=False),
    sa.Column("late", sa.Integer, nullable=False),
    sa.Column("withdrawn_ms", sa.BigInteger),
    sa.Column("withdrawn_reason", sa.Text, nullable=False),
    sa.Index(None, "rule", "at_ms"),
    sa.Index(None, "rule", "entity", "at_ms"),
    sa.Index(None, "at_ms"),
    sqlite_autoincrement=True,
)


def _incident() -> list[sa.Column[Any]]:
    return [
        *_entity_key(),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("channels", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("withdrawn", sa.Integer, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
    ]


alarm_incident = sa.Table(
    "alarm_incident",
    metadata,
    sa.Column("incident_id", _LONG_ID, primary_key=True),
    *_incident(),
    sa.Index(None, "rule", "entity"),
    sa.Index(None, "rule", "started_ms"),
    sa.Index(None, "started_ms"),
    # Those that are open are asked for all the time, and are few.
    sa.Index(None, "ended_ms"),
    sqlite_autoincrement=True,
)

alarm_event = sa.Table(
    "alarm_event",
    metadata,
    sa.Column("event_id", _LONG_ID, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    # Why this was told; the reason of the incident is beside it.
    sa.Column("event_reason", sa.Text, nullable=False),
    sa.Column("late", sa.Integer, nullable=False),
    sa.Column("recorded_ms", sa.BigInteger, nullable=False),
    *_incident(),
    sqlite_autoincrement=True,
)

quarantine_arrival = sa.Table(
    "quarantine_arrival",
    metadata,
    # Only ever inserted: no delivery is to wait for another one's count.
    sa.Column("arrival_id", _LONG_ID, primary_key=True),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    # Of the Firehose that delivered them; empty where it did not say.
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Index(None, "received_ms"),
)

ALARM_VIEWS = ("v_alarm_states", "v_alarm_transitions", "v_alarm_incidents", "v_alarm_events")
"""Alarms with the labels that DynamoDB's entities have as columns of their own."""
