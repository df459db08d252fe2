"""GetMetricData and ListMetrics of one region: pages, throttling, answers that are not whole."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from app.clock import Clock
from app.cloudwatch.faults import is_passing, translated
from app.cloudwatch.queries import MOST_DATA_POINTS, SeriesQuery, query_id

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import (
        DimensionFilterTypeDef,
        GetMetricDataInputTypeDef,
        ListMetricsInputTypeDef,
        MessageDataTypeDef,
    )

T = TypeVar("T")

_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_COMPLETE = "Complete"
# Nothing becomes of it by asking again, unlike PartialData and InternalError.
_FINAL = frozenset({_COMPLETE, "Forbidden"})


@dataclass(slots=True)
class SeriesAnswer:
    """Values by statistic and start of the period in milliseconds.

    ``status`` is ``Complete``, or what CloudWatch said last of a statistic that is not.
    """

    values: dict[str, dict[int, float]]
    status: str

    @property
    def is_complete(self) -> bool:
        """Whether every statistic was answered for the whole range."""
        return self.status == _COMPLETE


@dataclass(slots=True)
class Answer:
    """Answers in the order of the queries, and the numbers of queries each time one was repeated.

    ``calls`` counts pages.
    """

    series: list[SeriesAnswer]
    messages: list[str] = field(default_factory=list)
    calls: int = 0
    repeated: list[int] = field(default_factory=list)


class CloudWatch:
    """One region. Raises ``ConfigurationError`` where AWS refuses, ``Unavailable`` where it fails.

    Throttled calls and those that failed are repeated after pauses that double, up to eight times;
    so are series whose answer is not whole.
    """

    def __init__(self, client: "CloudWatchClient", clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def read(self, queries: Sequence[SeriesQuery], start_ms: int, end_ms: int) -> Answer:
        """Minutes from ``start_ms`` up to ``end_ms``, whole minutes both.

        At most ``MOST_QUERIES`` statistics, see ``plan_calls``.
        """
        answer = Answer([SeriesAnswer({}, "") for _ in queries])
        wanted = list(range(len(queries)))
        for attempt in range(1, _ATTEMPTS + 1):
            self._read_pages(queries, wanted, start_ms, end_ms, answer)
            wanted = [n for n in wanted if answer.series[n].status not in _FINAL]
            if not wanted:
                break
            if attempt < _ATTEMPTS:
                answer.repeated += wanted
                self._pause(attempt)
        return answer

    def list_metrics(
        self,
        namespace: str,
        *,
        metric: str | None = None,
        dimensions: Iterable[tuple[str, str]] = (),
        account: str | None = None,
    ) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
        """The (namespace, metric, dimensions) that had data within the last two weeks."""
        given: ListMetricsInputTypeDef = {"Namespace": namespace}
        if metric is not None:
            given["MetricName"] = metric
        filters: list[DimensionFilterTypeDef] = [{"Name": n, "Value": v} for n, v in dimensions]
        if filters:
            given["Dimensions"] = filters
        if account is not None:
            given["IncludeLinkedAccounts"] = True
            given["OwningAccount"] = account
        while True:
            page = self._attempt("ListMetrics", lambda: self._client.list_metrics(**given))
            for found in page.get("Metrics", ()):
                pairs = ((d["Name"], d["Value"]) for d in found.get("Dimensions", ()))
                yield found["Namespace"], found["MetricName"], tuple(sorted(pairs))
            token = page.get("NextToken")
            if not token:
                return
            given["NextToken"] = token

    def _read_pages(
        self,
        queries: Sequence[SeriesQuery],
        wanted: Sequence[int],
        start_ms: int,
        end_ms: int,
        answer: Answer,
    ) -> None:
        """Ask for the series whose numbers are ``wanted``, in one call and its pages."""
        given: GetMetricDataInputTypeDef = {
            "MetricDataQueries": [q for n in wanted for q in queries[n].encoded(n)],
            "StartTime": _moment(start_ms),
            "EndTime": _moment(end_ms),
            "ScanBy": "TimestampAscending",
            "MaxDatapoints": MOST_DATA_POINTS,
        }
        places = {
            query_id(n, place): (n, statistic)
            for n in wanted
            for place, statistic in enumerate(queries[n].statistics)
        }
        values: dict[str, dict[int, float]] = {name: {} for name in places}
        status = dict.fromkeys(places, "unanswered")
        while True:
            page = self._attempt("GetMetricData", lambda: self._client.get_metric_data(**given))
            answer.calls += 1
            answer.messages += _texts(page.get("Messages", ()))
            for result in page["MetricDataResults"]:
                name = result["Id"]
                status[name] = result.get("StatusCode", _COMPLETE)
                answer.messages += _texts(result.get("Messages", ()))
                for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                    if math.isfinite(value):
                        values[name][round(moment.timestamp() * 1000)] = value
            token = page.get("NextToken")
            if not token:
                break
            given["NextToken"] = token
        for n in wanted:
            names = [name for name, place in places.items() if place[0] == n]
            unfinished = [status[name] for name in names if status[name] != _COMPLETE]
            answer.series[n] = SeriesAnswer(
                {places[name][1]: values[name] for name in names},
                unfinished[0] if unfinished else _COMPLETE,
            )

    def _attempt(self, action: str, call: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        attempt = 1
        while True:
            try:
                return call()
            except (BotoCoreError, ClientError) as error:
                if attempt == _ATTEMPTS or not is_passing(error):
                    raise translated(action, error) from error
            self._pause(attempt)
            attempt += 1

    def _pause(self, attempt: int) -> None:
        self._clock.sleep(min(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), _LONGEST_PAUSE_SECONDS))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _texts(messages: "Iterable[MessageDataTypeDef]") -> list[str]:
    return [f"{m.get('Code', '')}: {m.get('Value', '')}".strip(": ") for m in messages]
