"""``StoredReader``: the database as PromQL sees it."""

from app.promql.reader import Budget, Selected, Selection
from app.promql.series import Samples
from app.query.prometheus.choice import Choice
from app.query.prometheus.metric_reader import MetricReader, metric_tier
from app.query.prometheus.raw_reader import RawReader, raw_tier
from app.query.prometheus.tier_choice import TierChoice, choose_tiers
from app.storage import Connection, Tier, read_kept


class StoredReader:
    """Answers selectors within one transaction, from one thread; a ``promql.Reader``."""

    def __init__(self, connection: Connection, raw: RawReader, metrics: MetricReader) -> None:
        self._connection = connection
        self._raw = raw
        self._metrics = metrics
        self._kept: dict[Tier, int] | None = None

    def select(self, selection: Selection, budget: Budget) -> Selected:
        """Samples of raw series and of rule metrics that fulfil the matchers.

        Raises ``QueryFailed``, ``QueryTimeout`` and ``StorageUnavailable``.
        """
        choice = Choice.of(selection.matchers)
        if self._kept is None:
            self._kept = read_kept(self._connection)
        tiers = choose_tiers(self._kept, selection)
        parts: list[Samples] = []
        infos: dict[str, None] = {}
        for metric in self._metrics.chosen(choice):
            budget.check_time()
            parts += self._metrics.samples(metric, choice, selection, tiers, budget)
            infos[tiers.info(metric_tier(metric, selection, tiers))] = None
        for members in self._raw.members(choice, self._raw.directory(choice)):
            budget.check_time()
            parts += self._raw.samples(members, choice, selection, tiers, budget)
            infos[tiers.info(raw_tier(members.family, selection, tiers))] = None
            if tiers.tier is not Tier.MINUTE and members.family.rolled_up is None:
                infos[_of_minutes_alone(members.name, tiers)] = None
        return Selected(parts, tuple(info for info in infos if info))


def _of_minutes_alone(name: str, tiers: TierChoice) -> str:
    return (
        f"{name} is kept for minutes alone, because percentiles, buckets and running counts cannot"
        f" be combined; ask for times from {tiers.kept_text} on"
    )
