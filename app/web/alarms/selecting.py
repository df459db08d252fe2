"""Which alarms a page is about, as its URL says it."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.alarms.rules import Severity
from app.alarms.states import AlarmState
from app.api.alarms.filters import AlarmFilter, alarm_filter
from app.errors import InvalidParameter

SEVERITIES = tuple(each.value for each in reversed(Severity))
STATES = tuple(
    each.name for each in (AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA, AlarmState.OK)
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions that must all hold; empty texts are none."""

    rule: str = ""
    severity: str = ""
    state: str = ""
    table: str = ""
    account: str = ""

    @property
    def filter(self) -> AlarmFilter:
        """The conditions as REST has them, but for the state."""
        return alarm_filter(
            [self.rule] if self.rule else None,
            [Severity(self.severity)] if self.severity else None,
            self.account or None,
            None,
            [f"TableName:{self.table}"] if self.table else None,
        )

    @property
    def states(self) -> tuple[str, ...]:
        """The states that are asked for; none is all of them."""
        return (self.state,) if self.state else ()

    @property
    def is_any(self) -> bool:
        """Whether there is no condition."""
        return self == Selection()

    def parameters(self, **changed: object) -> dict[str, object]:
        """The query of the page with some of it changed."""
        values: dict[str, object] = {
            "rule": self.rule or None,
            "severity": self.severity or None,
            "state": self.state or None,
            "table": self.table or None,
            "account": self.account or None,
        }
        return {**values, **changed}


def selection_of(query: Mapping[str, str]) -> Selection:
    """The selection of a query. Raises ``InvalidParameter``."""
    severity, state = query.get("severity", ""), query.get("state", "")
    if severity and severity not in SEVERITIES:
        raise InvalidParameter("severity", f"{severity!r} is not one of {', '.join(SEVERITIES)}")
    if state and state not in STATES:
        raise InvalidParameter("state", f"{state!r} is not one of {', '.join(STATES)}")
    texts = {name: query.get(name, "").strip() for name in ("rule", "table", "account")}
    return Selection(texts["rule"], severity, state, texts["table"], texts["account"])
