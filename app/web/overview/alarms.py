"""The alarms that fire, as pages list them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.alarms.rules import Severity
from app.storage import Connection, read_acknowledgements, read_incidents

_STATES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "unknown"}
MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Firing:
    """Open incidents: how many of each severity, worst first, and the newest of the worst."""

    counts: Sequence[tuple[str, str, int]]
    incidents: Sequence[Mapping[str, object]]
    total: int


def firing(connection: Connection, *, account: str | None = None, most: int = MOST_SHOWN) -> Firing:
    """The open incidents, of an account where given; the worst first, then the newest."""
    found = [
        row
        for row in read_incidents(connection, open_only=True)
        if not row.withdrawn and account in {None, dict(row.entity).get("account")}
    ]
    order = [each.value for each in reversed(Severity)]
    # The sort is stable: they come newest first.
    found.sort(key=lambda row: order.index(row.severity) if row.severity in order else len(order))
    acknowledged: Collection[int] = read_acknowledgements(connection) if found else ()
    return Firing(
        [
            (severity, state_of(severity), sum(row.severity == severity for row in found))
            for severity in order
            if any(row.severity == severity for row in found)
        ],
        [
            {
                "id": row.incident_id,
                "severity": row.severity,
                "state": state_of(row.severity),
                "rule": row.rule,
                "summary": row.summary or row.reason,
                "entity": ", ".join(value for _, value in row.entity),
                "started_ms": row.started_ms,
                "acknowledged": row.incident_id in acknowledged,
            }
            for row in found[:most]
        ],
        len(found),
    )


def state_of(severity: str) -> str:
    """The class of states that a severity is shown as."""
    return _STATES.get(Severity(severity), "unknown") if severity in set(Severity) else "unknown"
