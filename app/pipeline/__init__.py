"""Where the threads live: deliveries on their way in, evaluation, rollups, rule files."""

from app.pipeline.backfill import Backfill, BackfilledMinute
from app.pipeline.evaluation import Evaluator
from app.pipeline.ingest import Ingest
from app.pipeline.key_watch import KeyWatcher
from app.pipeline.maintenance import Maintenance, Retention
from app.pipeline.rollups import Rollups
from app.pipeline.rule_watch import RuleWatcher

__all__ = [
    "Backfill",
    "BackfilledMinute",
    "Evaluator",
    "Ingest",
    "KeyWatcher",
    "Maintenance",
    "Retention",
    "Rollups",
    "RuleWatcher",
]
