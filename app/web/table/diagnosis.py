"""What throttling, use, latency and errors of a table say, as sentences with their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.api.dynamodb.links import selector
from app.dynamodb.episodes import Pattern
from app.dynamodb.evidence import evidence
from app.dynamodb.latency import OperationLatency
from app.dynamodb.throttle_causes import Cause
from app.dynamodb.throttling import Finding
from app.dynamodb.utilization import CRITICAL, HIGH, Limit, Utilization
from app.web.formatting import duration, milliseconds, number, per_second, percent

_CAUSES = {
    Cause.PROVISIONED: "provisioned capacity, which was used up",
    Cause.KEY_RANGE: "one partition: some keys are hot",
    Cause.ACCOUNT_LIMIT: "a limit of the account",
    Cause.ON_DEMAND_MAXIMUM: "the maximum that is set for on-demand requests",
    Cause.UNKNOWN: "not known",
}
_PATTERNS = {
    Pattern.SINGLE_BURST: "once",
    Pattern.RECURRING_BURST: "in bursts that come back",
    Pattern.SUSTAINED: "for a long time",
    Pattern.HOT_PARTITION: "in one part of the table",
}
_LIMITS = {
    Limit.PROVISIONED: "provisioned",
    Limit.ON_DEMAND_MAXIMUM: "the on-demand maximum",
    Limit.ACCOUNT_TABLE_LIMIT: "the account's limit for one table",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about a table, with the class of states that it is shown as."""

    state: str
    text: str


def throttling_content(found: Sequence[Finding]) -> list[Mapping[str, object]]:
    """Findings as the template takes them; the numbers are those of /api/v1/dynamodb/throttling."""
    return [_finding(each) for each in found]


def _finding(each: Finding) -> Mapping[str, object]:
    what = f"index {each.resource.index}" if each.resource.index else "the table"
    return {
        "direction": "Reads" if each.direction == "Read" else "Writes",
        "what": what,
        "index": each.resource.index,
        "events": each.events,
        "start_ms": each.start_ms,
        "end_ms": each.end_ms,
        "pattern": "" if each.pattern is None else _PATTERNS[each.pattern],
        "interval_ms": each.interval_ms,
        "cause": _CAUSES[each.judgement.cause],
        "inferred": each.judgement.inferred,
        "reasoning": each.judgement.reasoning,
        "limit": _limit(each),
        "holds_back": each.holds_back_table,
        "table_used_peak": each.table_used_peak,
        "operations": each.operations,
        "episodes": each.episodes,
        "advice": each.advice,
        "evidence": [
            {
                "text": one.text,
                "value": one.value,
                "unit": one.unit,
                "metric": one.metric,
                "statistic": one.statistic,
                "expression": selector(one),
            }
            for one in evidence(each)
        ],
    }


def _limit(each: Finding) -> str:
    """How much of which limit was used; empty where none is known."""
    if each.limit is None or each.used_peak is None:
        return ""
    return (
        f"At its highest {percent(each.used_peak)} of {_LIMITS[each.limited_by]} was used,"
        f" {number(each.consumed_peak)} of {number(each.limit)} units/s."
    )


def use_said(found: Sequence[Utilization]) -> list[Said]:
    """A sentence for reads and for writes of the table and of each index that has a limit."""
    return [_use(each) for each in found if each.peak is not None]


def _use(each: Utilization) -> Said:
    assert each.peak is not None  # noqa: S101 - of those alone
    of = f" of index {each.resource.index}" if each.resource.index else ""
    what = "Reads" if each.direction == "read" else "Writes"
    text = (
        f"{what}{of} used {percent(each.average)} of {_LIMITS[each.limited_by]} on average,"
        f" {percent(each.peak)} in the highest period; now {percent(each.current)}"
        f" ({number(each.consumed)} of {number(each.limit)} units/s)."
    )
    if each.above_80:
        text += f" {percent(each.above_80)} of the time it was above 80 %."
    state = "critical" if each.peak >= CRITICAL else "warning" if each.peak >= HIGH else "good"
    return Said(state, text)


def latency_said(found: Sequence[OperationLatency]) -> Said | None:
    """The slowest operation in a sentence; None without requests."""
    slow = next((each for each in found if each.average is not None), None)
    if slow is None:
        return None
    highest = [
        f"{name} up to {milliseconds(one.highest)}" for name, one in slow.percentiles.items()
    ]
    more = f" ({', '.join(highest)})" if highest else ""
    return Said(
        "good",
        f"The slowest operation is {slow.operation}: {milliseconds(slow.average)} on average{more},"
        f" {milliseconds(slow.maximum)} at most, {per_second(slow.requests_per_second)} requests.",
    )


def errors_said(found: Sequence[OperationLatency]) -> Said | None:
    """How many requests failed on DynamoDB's side; None where that was not delivered."""
    known = [each for each in found if each.system_errors is not None]
    if not known:
        return None
    total = sum(each.system_errors or 0 for each in known)
    if not total:
        return Said("good", "No request failed with HTTP 500.")
    requests = sum(each.requests or 0 for each in known)
    share = 100 * total / (total + requests)
    return Said(
        "warning",
        f"{number(total)} requests failed with HTTP 500, {percent(share)} of all;"
        " the AWS SDKs repeat them.",
    )


def quiet_words(length_ms: int) -> str:
    """What is said where nothing was throttled."""
    return f"Nothing was throttled in these {duration(length_ms)}."
