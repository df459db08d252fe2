"""Sessions of suspended processes that PostgreSQL does not end by itself.

While PostgreSQL waits for its client in the middle of a COPY or of a result, none of its time
limits apply. A process that is suspended at that moment would keep its locks, the lease's among
them, for as long as it stands still. So who has waited for a lock in vain ends such sessions, once
their statement has outlived its own time limit; their transactions are rolled back.
"""

import sqlalchemy as sa
import structlog

from app.storage.engine import WRITER_NAME, WRITER_STATEMENT_SECONDS

_log = structlog.get_logger(__name__)


def end_suspended(connection: sa.Connection) -> None:
    """End the sessions of writers that wait for their process for longer than a statement may."""
    given = {"name": WRITER_NAME, "seconds": WRITER_STATEMENT_SECONDS}
    ended = connection.execute(_END, given).scalar_one()
    if ended:
        _log.warning("sessions of suspended processes were ended", sessions=ended)


# Others' sessions are neither ours to see nor to end.
_END = sa.text("""
    SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND application_name = :name
      AND state = 'active' AND wait_event_type = 'Client'
      AND query_start < clock_timestamp() - make_interval(secs => :seconds)
""")
