"""HTTP in and out: the Firehose route, REST, health. No SQL and no arithmetic."""

from app.api.application import create_application
from app.api.context import ApiContext

__all__ = ["ApiContext", "create_application"]
