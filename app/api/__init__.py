"""HTTP in and out: the Firehose route, REST, health. No SQL and no arithmetic."""

from app.api.application import create_application
from app.api.context import ApiContext
from app.api.read_access import is_loopback

__all__ = ["ApiContext", "create_application", "is_loopback"]
