"""Where the threads live: a delivery on its way in, and the evaluation of dirty minutes."""

from app.pipeline.evaluation import Evaluator
from app.pipeline.ingest import Ingest
from app.pipeline.maintenance import Maintenance

__all__ = ["Evaluator", "Ingest", "Maintenance"]
