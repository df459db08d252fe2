"""Alarms: marks, progress, rules, states, transitions, incidents, events; what was quarantined."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ENTITY = {"rule": sa.Text(), "entity": sa.Text()}
_INCIDENT = {
    **_ENTITY,
    "severity": sa.Text(),
    "labels": sa.Text(),
    "channels": sa.Text(),
    "started_ms": sa.BigInteger(),
    "ended_ms": sa.BigInteger(),
    "withdrawn": sa.Integer(),
    "summary": sa.Text(),
    "reason": sa.Text(),
    "value": sa.Double(),
}
_NULLABLE = frozenset({"ended_ms", "value", "withdrawn_ms", "error_since_ms"})
_VIEWS = ("v_alarm_states", "v_alarm_transitions", "v_alarm_incidents", "v_alarm_events")

# By table: the key, whether the database counts it, and the columns.
_TABLES: dict[str, tuple[tuple[str, ...], bool, dict[str, Any]]] = {
    "alarm_mark": (("mark_id",), True, {"mark_id": _ID, "minute": sa.Integer()}),
    "alarm_progress": (
        ("progress_id",),
        False,
        {
            "progress_id": sa.Integer(),
            "frontier_ms": sa.BigInteger(),
            "newest_minute": sa.BigInteger(),
            "disorder": sa.Text(),
        },
    ),
    "alarm_rule": (
        ("rule",),
        False,
        {
            "rule": sa.Text(),
            "digest": sa.Text(),
            "since_ms": sa.BigInteger(),
            "evaluated_ms": sa.BigInteger(),
            "error": sa.Text(),
            "error_since_ms": sa.BigInteger(),
        },
    ),
    "alarm_state": (
        ("rule", "entity"),
        False,
        {
            **_ENTITY,
            "state": sa.Text(),
            "since_ms": sa.BigInteger(),
            "reason": sa.Text(),
            "datapoints": sa.Text(),
            "value": sa.Double(),
        },
    ),
    "alarm_transition": (
        ("transition_id",),
        True,
        {
            "transition_id": _ID,
            **_ENTITY,
            "at_ms": sa.BigInteger(),
            "from_state": sa.Text(),
            "to_state": sa.Text(),
            "reason": sa.Text(),
            "datapoints": sa.Text(),
            "evaluated_ms": sa.BigInteger(),
            "late": sa.Integer(),
            "withdrawn_ms": sa.BigInteger(),
            "withdrawn_reason": sa.Text(),
        },
    ),
    "alarm_incident": (("incident_id",), True, {"incident_id": _ID, **_INCIDENT}),
    "alarm_event": (
        ("event_id",),
        True,
        {
            "event_id": _ID,
            "kind": sa.Text(),
            "incident_id": sa.BigInteger(),
            "at_ms": sa.BigInteger(),
            "event_reason": sa.Text(),
            "late": sa.Integer(),
            "recorded_ms": sa.BigInteger(),
            **_INCIDENT,
        },
    ),
    "quarantine_arrival": (
        ("arrival_id",),
        True,
        {
            "arrival_id": _ID,
            "received_ms": sa.BigInteger(),
            "account": sa.Text(),
            "region": sa.Text(),
            "records": sa.Integer(),
        },
    ),
}
_INDEXES = {
    "alarm_transition": (("rule", "at_ms"), ("rule", "entity", "at_ms"), ("at_ms",)),
    "alarm_incident": (("rule", "entity"), ("rule", "started_ms"), ("started_ms",), ("ended_ms",)),
    "quarantine_arrival": (("received_ms",),),
}


def upgrade() -> None:
    """Add tables; the previous release does not know them and is not disturbed."""
    for name, (key, counted, columns) in _TABLES.items():
        made = [
            sa.Column(
                column,
                kind,
                nullable=column in _NULLABLE,
                autoincrement="auto" if counted else False,
            )
            for column, kind in columns.items()
        ]
        op.create_table(
            name,
            *made,
            sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
            sqlite_autoincrement=counted,
        )
        for indexed in _INDEXES.get(name, ()):
            op.create_index(f"ix_{name}_{'_'.join(indexed)}", name, list(indexed))
    sqlite = op.get_context().dialect.name == "sqlite"
    for view in _VIEWS:
        op.execute(f"CREATE VIEW {view} AS {_view(view, sqlite=sqlite)}")


def downgrade() -> None:
    """Forget the history of alarms; metrics are not concerned."""
    for view in _VIEWS:
        op.execute(f"DROP VIEW {view}")
    for name in reversed(_TABLES):
        op.drop_table(name)


def _view(name: str, *, sqlite: bool) -> str:
    # The entity as a key of the table is text on both; here it is what JSON can be asked of.
    label = "json_extract(t.entity, '$.{0}')" if sqlite else "CAST(t.entity AS jsonb) ->> '{0}'"
    labels = ", ".join(
        f"{label.format(name)} AS {column}"
        for name, column in (
            ("account", "account"),
            ("region", "region"),
            ("TableName", "table_name"),
            ("GlobalSecondaryIndexName", "index_name"),
            ("Operation", "operation"),
        )
    )
    return _QUERIES[name].format(labels=labels)


_QUERIES = {
    "v_alarm_states": """
    SELECT t.rule, {labels}, t.state, t.since_ms, t.value, t.reason, t.datapoints, t.entity
    FROM alarm_state t
""",
    "v_alarm_transitions": """
    SELECT t.rule, {labels}, t.at_ms, t.from_state, t.to_state, t.reason, t.datapoints,
           t.evaluated_ms, t.late, t.withdrawn_ms, t.withdrawn_reason, t.entity, t.transition_id
    FROM alarm_transition t
""",
    "v_alarm_incidents": """
    SELECT t.rule, {labels}, t.severity, t.started_ms, t.ended_ms,
           t.ended_ms - t.started_ms AS duration_ms, t.withdrawn, t.summary, t.value, t.reason,
           t.labels, t.channels, t.entity, t.incident_id
    FROM alarm_incident t
""",
    "v_alarm_events": """
    SELECT t.kind, t.rule, {labels}, t.severity, t.at_ms, t.recorded_ms, t.late, t.event_reason,
           t.summary, t.value, t.started_ms, t.ended_ms, t.incident_id, t.event_id
    FROM alarm_event t
""",
}
