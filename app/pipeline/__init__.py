"""Where the threads live: deliveries, the lease, evaluation, rollups, rule files."""

from app.pipeline.backfill import Backfill, BackfilledMinute
from app.pipeline.evaluation import Evaluator
from app.pipeline.gap_filling import FilledCall, GapFilling, GapPlan
from app.pipeline.gap_series import GapScope
from app.pipeline.holder import Holder
from app.pipeline.ingest import Ingest
from app.pipeline.key_watch import KeyWatcher
from app.pipeline.lease import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.pipeline.maintenance import Maintenance, Retention
from app.pipeline.release import Release, ReleasedRow
from app.pipeline.replay import DryRun, Replay, ReplayedPiece
from app.pipeline.rollups import Rollups
from app.pipeline.rule_watch import RuleWatcher
from app.pipeline.streams import StreamReport, StreamStatistics
from app.pipeline.worker import Worker

__all__ = [
    "Backfill",
    "BackfilledMinute",
    "DryRun",
    "Evaluator",
    "FilledCall",
    "GapFilling",
    "GapPlan",
    "GapScope",
    "Holder",
    "Ingest",
    "KeyWatcher",
    "Lease",
    "LeasedWorker",
    "Maintenance",
    "Release",
    "ReleasedRow",
    "Replay",
    "ReplayedPiece",
    "Retention",
    "Rollups",
    "RuleWatcher",
    "StreamReport",
    "StreamStatistics",
    "Worker",
]
