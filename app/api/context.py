"""What the routes work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.alarms.rules import AlarmRules
from app.api.stopping import Stopping
from app.clock import Clock
from app.credentials import AccessKeys, Sessions
from app.dashboards import DashboardBook
from app.pipeline import Ingest, StreamStatistics
from app.promql.limits import Limits
from app.query.prometheus import PrometheusData
from app.rules import MetricDefinition, RuleBook, RuleFile
from app.storage import Store


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Built once by ``app.main``; everything in it may be used from several threads."""

    store: Store
    ingest: Ingest
    streams: StreamStatistics
    rules: RuleBook
    access_keys: AccessKeys
    read_tokens: AccessKeys
    clock: Clock
    query_max_points: int
    prometheus: PrometheusData
    query_limits: Limits
    concurrent_queries: int
    concurrent_deliveries: int
    body_memory_bytes: int
    dashboards: DashboardBook
    delivery_seconds: float = 50.0
    price_file: Path | None = None
    """None is the one that is shipped."""
    operator_tokens: AccessKeys = field(default_factory=lambda: AccessKeys(()))
    alarm_rules: Callable[[], AlarmRules] = AlarmRules
    alarm_faults: Callable[[], tuple[str, ...]] = tuple
    """Why files of alarm rules or channels, as they are now, are not in force."""
    stopping: Stopping = field(default_factory=Stopping)
    session_hours: int = 12
    external_url: str | None = None

    @property
    def sessions(self) -> Sessions:
        """Of browsers, over the tokens that are accepted now."""
        return Sessions(self.read_tokens, self.operator_tokens, hours=self.session_hours)

    @property
    def definitions(self) -> Mapping[str, MetricDefinition]:
        """The metrics of the rules that are in force now."""
        return self.rules.current().definitions

    def files(self) -> list[RuleFile]:
        """The rule files that are in force now."""
        return [status.version.file for status in self.rules.files if status.version]
