"""HTTP in and out: the Firehose route, REST, health. No SQL and no arithmetic."""

from app.api.application import create_application
from app.api.context import ApiContext
from app.api.read_access import is_loopback
from app.api.server import GRACEFUL_SECONDS, GracefulServer
from app.api.stopping import Stopping

__all__ = [
    "GRACEFUL_SECONDS",
    "ApiContext",
    "GracefulServer",
    "Stopping",
    "create_application",
    "is_loopback",
]
