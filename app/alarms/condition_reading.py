"""The condition of a rule and what overrides change of it, read from YAML."""

from collections.abc import Sequence
from typing import Final

from app.alarms import rule_values as read
from app.alarms.conditions import Comparison, Condition, MissingData
from app.alarms.rule_values import DAY_MS, Members
from app.alarms.rules import Override, Severity, overridden
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import RuleError
from app.rules.documents import Item

MOST_PERIODS = 1440
_LONGEST_WINDOW_MS: Final = 7 * DAY_MS
_LONGEST_STALE_MS: Final = 30 * DAY_MS
_OVERRIDE_KEYS = (
    "match",
    "threshold",
    "recovery_threshold",
    "evaluation_periods",
    "datapoints_to_alarm",
    "severity",
    "enabled",
)
_KEEPING: Final = frozenset({MissingData.MISSING, MissingData.IGNORE})


def read_condition(members: Members, errors: list[RuleError]) -> Condition | None:
    """The condition of a rule; None where it has errors that are among ``errors`` now."""
    before = len(errors)
    comparison: Comparison | None = None
    threshold: float | None = None
    period_ms, periods, missing = MILLISECONDS_PER_MINUTE, 1, MissingData.MISSING
    try:
        comparison = read.word(members["comparison"], Comparison)
    except RuleError as error:
        errors.append(error)
    try:
        threshold = members["threshold"].finite()
    except RuleError as error:
        errors.append(error)
    try:
        if item := members.get("period"):
            period_ms = read.minutes_ms(item, DAY_MS)
        if item := members.get("evaluation_periods"):
            periods = read.whole(item, 1, MOST_PERIODS)
        if item := members.get("missing_data"):
            missing = read.word(item, MissingData)
    except RuleError as error:
        errors.append(error)
    if len(errors) > before or comparison is None or threshold is None:
        return None
    item = members.get("datapoints_to_alarm")
    condition = Condition(
        comparison=comparison,
        threshold=threshold,
        recovery_threshold=_recovery(members),
        period_ms=period_ms,
        evaluation_periods=periods,
        datapoints_to_alarm=read.whole(item, 1, MOST_PERIODS) if item else periods,
        missing_data=missing,
        stale_after_ms=_stale_after(members, missing, period_ms),
    )
    _check(condition, members)
    return condition


def read_override(
    item: Item,
    labels: Sequence[str] | None,
    condition: Condition | None,
    of_rule: Members,
    errors: list[RuleError],
) -> Override:
    """An override of a rule with a ``condition``. Raises ``RuleError``."""
    members = Members(item, _OVERRIDE_KEYS, errors)
    match = read.patterns(members["match"], labels)
    if not match:
        raise members["match"].fault("match names no label; change the rule itself instead")
    if not any(key in members for key in _OVERRIDE_KEYS[1:]):
        raise item.fault(f"the override changes nothing; give {', '.join(_OVERRIDE_KEYS[1:])}")
    threshold, severity, enabled = (
        members.get(key) for key in ("threshold", "severity", "enabled")
    )
    periods = _whole(members, "evaluation_periods")
    needed = _whole(members, "datapoints_to_alarm")
    if periods is not None and needed is None and "datapoints_to_alarm" not in of_rule:
        needed = periods
    override = Override(
        match=match,
        threshold=threshold.finite() if threshold else None,
        recovery_threshold=_recovery(members),
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        severity=read.word(severity, Severity) if severity else None,
        enabled=read.boolean(enabled) if enabled else None,
        line=item.line,
    )
    if condition is None:
        return override
    has_recovery = condition.recovery_threshold is not None
    if threshold and has_recovery and override.recovery_threshold is None:
        raise threshold.fault(
            "the rule has a recovery_threshold that belongs to its own threshold; give one to"
            " this threshold too"
        )
    _check(overridden(condition, override), members)
    return override


def _check(condition: Condition, members: Members) -> None:
    """Raise ``RuleError`` where the parts of a condition do not fit together."""
    if condition.datapoints_to_alarm > condition.evaluation_periods:
        item = members.get("datapoints_to_alarm") or members["evaluation_periods"]
        raise item.fault(
            f"{condition.datapoints_to_alarm} datapoints to alarm of"
            f" {condition.evaluation_periods} evaluation periods can never be"
        )
    if condition.evaluation_periods * condition.period_ms > _LONGEST_WINDOW_MS:
        item = members.get("evaluation_periods") or members["period"]
        raise item.fault("the evaluation periods together are longer than 7d")
    recovery = condition.recovery_threshold
    if recovery is None or recovery == condition.threshold:
        return
    if (recovery > condition.threshold) == condition.comparison.is_upward:
        side = "above" if condition.comparison.is_upward else "below"
        item = members.get("recovery_threshold") or members["threshold"]
        raise item.fault(
            f"the recovery threshold {recovery:g} is {side} the threshold"
            f" {condition.threshold:g}: with {condition.comparison} the alarm would end while"
            " datapoints still breach"
        )


def _recovery(members: Members) -> float | None:
    item = members.get("recovery_threshold")
    return item.finite() if item else None


def _whole(members: Members, key: str) -> int | None:
    item = members.get(key)
    return read.whole(item, 1, MOST_PERIODS) if item else None


def _stale_after(members: Members, missing: MissingData, period_ms: int) -> int | None:
    item = members.get("stale_after")
    if item is None:
        return None
    if missing not in _KEEPING:
        raise item.fault(f"stale_after has no effect where missing data is {missing}")
    value = read.minutes_ms(item, _LONGEST_STALE_MS)
    if value < period_ms:
        raise item.fault(
            "stale_after is shorter than the period, so every datapoint would be stale"
        )
    return value
