"""The states of an alarm once more, datapoint by datapoint, as docs/alarms.md tells them."""

from app.alarms.conditions import STALE_AFTER_MS, Condition, MissingData

Datapoints = list[float | None]


def reference_states(
    condition: Condition, history: Datapoints, start: int, state: str
) -> list[str]:
    """The states at the datapoints from ``start`` on, for one entity in ``state`` before them."""
    states = []
    for now in range(start, len(history)):
        state = _following(condition, history[: now + 1], state)
        states.append(state)
    return states


def _following(condition: Condition, history: Datapoints, state: str) -> str:
    size, needed = condition.evaluation_periods, condition.datapoints_to_alarm
    window = ([None] * size + history)[-size:]
    breaching = [value is not None and _breaches(condition, value, state) for value in window]
    seen = [value for value in window if value is not None]
    policy = condition.missing_data
    if policy in (MissingData.BREACHING, MissingData.NOT_BREACHING):
        if not seen and state == "INSUFFICIENT_DATA":
            return state
        bad = sum(breaching)
        if policy is MissingData.NOT_BREACHING:
            return "ALARM" if bad >= needed else "OK"
        if state != "INSUFFICIENT_DATA":
            return "ALARM" if bad + window.count(None) >= needed else "OK"
        # A new entity: nobody knows what was before its first datapoint.
        first = next(place for place, value in enumerate(window) if value is not None)
        since = window[first:]
        at_best = sum(breaching) + since.count(None)
        at_worst = at_best + first
        if at_best >= needed:
            return "ALARM"
        return "OK" if at_worst < needed else "INSUFFICIENT_DATA"
    silent = 0
    while silent < len(history) and history[-1 - silent] is None:
        silent += 1
    if silent == len(history):
        silent = 10**9
    if condition.stale_after_ms is not None:
        patience = condition.stale_after_ms
    else:
        patience = STALE_AFTER_MS if policy is MissingData.IGNORE else size * condition.period_ms
    if silent * condition.period_ms >= patience and state != "OK":
        return "INSUFFICIENT_DATA"
    if not seen:
        keeps = policy is MissingData.IGNORE or state == "ALARM"
        return state if keeps else "INSUFFICIENT_DATA"
    if sum(breaching) >= needed:
        stale = silent * condition.period_ms >= patience
        return "INSUFFICIENT_DATA" if stale else "ALARM"
    if sum(breaching) == len(seen):
        return state
    return "OK"


def _breaches(condition: Condition, value: float, state: str) -> bool:
    limit = condition.threshold
    if state == "ALARM" and condition.recovery_threshold is not None:
        limit = condition.recovery_threshold
    match condition.comparison.value:
        case ">":
            return value > limit
        case ">=":
            return value >= limit
        case "<":
            return value < limit
        case _:
            return value <= limit
