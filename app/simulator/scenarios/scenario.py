"""The scenarios by name, how long each lasts, and its answer."""

from collections.abc import Callable
from dataclasses import dataclass

from app.simulator.points import PERIOD_MS
from app.simulator.scenarios import disturbances
from app.simulator.scenarios.answer import Answer, Firing
from app.simulator.scenarios.disturbances import Disturbance
from app.simulator.scenarios.traffic import Usual

LEAD_MINUTES = 20
TAIL_MINUTES = 30
# Disturbances begin on whole five minutes, as the longest period of the shipped alarms does: then
# the same alarms fire whenever the run starts.
_WHOLE_MINUTES = 5

_TABLE = ("TableName",)
_INDEX = ("TableName", "GlobalSecondaryIndexName")
_OPERATION = ("TableName", "Operation")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: what happens, for how many minutes, which pattern of throttling it is.

    `alarms` are those of alarm_rules/ that must fire, each for one entity, with the labels that
    tell this entity beside account and region.
    """

    name: str
    happens: Callable[[Usual, range], Disturbance]
    duration: int
    alarms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    pattern: str = ""

    @property
    def minutes(self) -> int:
        """Return how many minutes a run needs to show all of it, from a calm start to its end."""
        return LEAD_MINUTES + _WHOLE_MINUTES - 1 + self.duration + TAIL_MINUTES

    def during(self, start_ms: int) -> range:
        """Return the minutes since 1970 of the disturbance in a run that begins at `start_ms`."""
        begin = -(-(start_ms // PERIOD_MS + LEAD_MINUTES) // _WHOLE_MINUTES) * _WHOLE_MINUTES
        return range(begin, begin + self.duration)

    def answer(
        self, disturbance: Disturbance, account: str, region: str, *, inferred: bool
    ) -> Answer:
        """Return what is to be said about the disturbance."""
        labels = {
            "TableName": disturbance.table,
            "GlobalSecondaryIndexName": disturbance.index,
            "Operation": disturbance.operation,
        }
        visible = disturbance.visible
        return Answer(
            scenario=self.name,
            account=account,
            region=region,
            table=disturbance.table,
            index=disturbance.index,
            direction=disturbance.direction,
            operation=disturbance.operation,
            start_ms=visible.start * PERIOD_MS,
            end_ms=visible.stop * PERIOD_MS,
            cause=disturbance.cause,
            inferred=inferred and bool(disturbance.cause),
            pattern=self.pattern,
            throttled=disturbance.throttled,
            alarms=tuple(alarm for alarm, _ in self.alarms),
            firings=tuple(
                Firing(alarm, {name: labels[name] for name in names})
                for alarm, names in self.alarms
            ),
        )


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("calm", disturbances.calm, 5),
        Scenario(
            "burst",
            disturbances.burst,
            4,
            (("DynamoDBReadThrottled", _TABLE),),
            "single_burst",
        ),
        Scenario(
            "sustained",
            disturbances.sustained,
            25,
            (
                ("DynamoDBWriteThrottled", _TABLE),
                ("DynamoDBWriteThrottlingSustained", _TABLE),
                ("DynamoDBWriteUtilizationHigh", _TABLE),
                ("DynamoDBWriteUtilizationCritical", _TABLE),
            ),
            "sustained",
        ),
        Scenario(
            "hot-partition",
            disturbances.hot_partition,
            8,
            (("DynamoDBWriteThrottled", _TABLE),),
            "hot_partition",
        ),
        Scenario(
            "index-bottleneck",
            disturbances.index_bottleneck,
            25,
            (
                ("DynamoDBIndexWriteThrottled", _INDEX),
                ("DynamoDBWriteThrottlingSustained", _INDEX),
                ("DynamoDBWriteUtilizationHigh", _INDEX),
                ("DynamoDBWriteUtilizationCritical", _INDEX),
            ),
            "sustained",
        ),
        Scenario(
            "latency-step",
            disturbances.latency_step,
            15,
            (("DynamoDBLatencyHigh", _OPERATION), ("DynamoDBLatencyP99High", _OPERATION)),
        ),
        Scenario(
            "error-spike", disturbances.error_spike, 7, (("DynamoDBSystemErrors", _OPERATION),)
        ),
        Scenario("silence", disturbances.silence, 25, (("MetricStreamSilent", ()),)),
        Scenario("silence-lost", disturbances.silence_lost, 25, (("MetricStreamSilent", ()),)),
        Scenario(
            "late-minute",
            disturbances.late_minute,
            1,
            (("DynamoDBReadThrottled", _TABLE),),
            "single_burst",
        ),
    )
}
