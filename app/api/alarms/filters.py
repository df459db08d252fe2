"""Which alarms a list is about: the parameters that its routes share."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query

from app.alarms.rules import Severity
from app.labels import LabelSet
from app.query import name_value_pairs
from app.query.prometheus.naming import ACCOUNT, REGION

LARGEST_ID = 2**63 - 1
"""What PostgreSQL can be asked for."""
StateName = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Conditions that must all hold; empty ones do."""

    rules: frozenset[str]
    severities: frozenset[Severity]
    labels: tuple[tuple[str, str], ...]

    @property
    def only_rule(self) -> str | None:
        """The one rule that is asked for; None for several or all."""
        return next(iter(self.rules)) if len(self.rules) == 1 else None

    def takes(self, rule: str, severity: str | None, *labels: LabelSet) -> bool:
        """Whether an alarm of a rule is asked for; ``labels`` are the entity's and the rule's."""
        if self.rules and rule not in self.rules:
            return False
        if self.severities and severity not in self.severities:
            return False
        if not self.labels:
            return True
        known = {name: value for each in reversed(labels) for name, value in each}
        return all(known.get(name, "") == value for name, value in self.labels)


def alarm_filter(
    rule: Annotated[
        list[str] | None, Query(description="Name of an alarm rule; may be repeated")
    ] = None,
    severity: Annotated[list[Severity] | None, Query(description="May be repeated")] = None,
    account: Annotated[str | None, Query(description="Twelve digits")] = None,
    region: Annotated[str | None, Query(description="Such as eu-west-1")] = None,
    label: Annotated[
        list[str] | None,
        Query(description="Name:Value of the entity or the rule, such as TableName:orders"),
    ] = None,
) -> AlarmFilter:
    """The filters that lists of alarms share."""
    wanted = list(name_value_pairs("label", label or ()))
    wanted += [(name, text) for name, text in ((ACCOUNT, account), (REGION, region)) if text]
    return AlarmFilter(frozenset(rule or ()), frozenset(severity or ()), tuple(wanted))


FilterParameter = Annotated[AlarmFilter, Depends(alarm_filter)]
