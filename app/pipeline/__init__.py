"""Where the threads live: a delivery on its way in, the evaluation of dirty minutes, rule files."""

from app.pipeline.backfill import Backfill, BackfilledMinute
from app.pipeline.evaluation import Evaluator
from app.pipeline.ingest import Ingest
from app.pipeline.maintenance import Maintenance
from app.pipeline.rule_watch import RuleWatcher

__all__ = ["Backfill", "BackfilledMinute", "Evaluator", "Ingest", "Maintenance", "RuleWatcher"]
