"""The alarms that fire, as pages list them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.alarms.rules import Severity
from app.api.parameters import TimeRange
from app.dynamodb.resources import TABLE, Resource
from app.labels import LabelSet
from app.storage import Connection, IncidentRow, read_acknowledgements, read_incidents

_STATES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "unknown"}
MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Firing:
    """Open incidents: how many of each severity, worst first, and the newest of the worst."""

    counts: Sequence[tuple[str, str, int]]
    incidents: Sequence[Mapping[str, object]]
    total: int


def firing(
    connection: Connection,
    *,
    account: str | None = None,
    place: Resource | None = None,
    most: int = MOST_SHOWN,
) -> Firing:
    """The open incidents, of an account or a table where given; worst first, then newest."""
    found = [
        row
        for row in read_incidents(connection, open_only=True)
        if not row.withdrawn
        and account in {None, dict(row.entity).get("account")}
        and (place is None or is_of_table(row.entity, place))
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
        [_content(row, acknowledged) for row in found[:most]],
        len(found),
    )


def incidents_of_table(
    connection: Connection, place: Resource, times: TimeRange
) -> list[Mapping[str, object]]:
    """The incidents of a table and its indexes in a range, the newest first."""
    found = [
        row
        for row in read_incidents(connection, start_ms=times.start_ms, end_ms=times.end_ms)
        if not row.withdrawn and is_of_table(row.entity, place)
    ]
    acknowledged: Collection[int] = read_acknowledgements(connection) if found else ()
    return [_content(row, acknowledged) for row in found]


def is_of_table(entity: LabelSet, place: Resource) -> bool:
    """Whether an alarm's entity is a table, one of its indexes or of its operations."""
    labels = dict(entity)
    table = labels.get(TABLE, labels.get("endpoint"))
    return (labels.get("account"), labels.get("region"), table) == (
        place.account,
        place.region,
        place.table,
    )


def _content(row: IncidentRow, acknowledged: Collection[int]) -> Mapping[str, object]:
    return {
        "id": row.incident_id,
        "severity": row.severity,
        "state": state_of(row.severity),
        "rule": row.rule,
        "summary": row.summary or row.reason,
        "entity": ", ".join(value for _, value in row.entity),
        "started_ms": row.started_ms,
        "ended_ms": row.ended_ms,
        "acknowledged": row.incident_id in acknowledged,
    }


def state_of(severity: str) -> str:
    """The class of states that a severity is shown as."""
    return _STATES.get(Severity(severity), "unknown") if severity in set(Severity) else "unknown"
