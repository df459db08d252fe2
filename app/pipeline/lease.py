"""The lease of this process: held, or waited for.

Of several processes on one database one evaluates, rolls up and deletes; the others stand by. A
holder that is silent for the time it has chosen is taken for dead, by the monotonic clock of the
process that watches it. Being wrong about that costs nothing but the work of one round: see
``app.storage.leases`` for why an old holder cannot store anything.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from app.clock import Clock
from app.errors import LeaseLost
from app.pipeline.holder import Holder
from app.pipeline.worker import Worker
from app.storage import (
    LeaseRow,
    Store,
    Term,
    give_up_lease,
    read_lease,
    renew_lease,
    take_lease,
)
from app.telemetry import counter, gauge

HELD = gauge("lease_held", "1 while this process evaluates, rolls up and deletes, 0 standing by")
TAKEN = counter("lease_taken_total", "Times this process has taken the lease", "reason")
LOST = counter("lease_lost_total", "Times this process has lost the lease to another, or to doubt")

_RENEWALS_PER_LEASE = 3
_LOOKS_PER_LEASE = 10
_LONGEST_POLL_SECONDS = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Sight:
    """A row of another holder, and when it was first seen like this."""

    row: LeaseRow
    since: float


class Lease(Worker):
    """One thread that renews the lease, or watches its holder to take over from it.

    ``seconds`` is how long the others wait when they hear nothing of us. ``term`` may be read on
    any thread.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        holder: Holder,
        *,
        seconds: int,
    ) -> None:
        super().__init__("lease")
        self._store = store
        self._clock = clock
        self._holder = holder
        self._seconds = seconds
        self._when_taken: list[Callable[[], None]] = []
        self._poll_seconds = min(_LONGEST_POLL_SECONDS, seconds / _LOOKS_PER_LEASE)
        self._lock = threading.Lock()
        self._term: Term | None = None
        self._renewed = 0.0
        self._sight: _Sight | None = None
        HELD.set(0)

    @property
    def term(self) -> Term | None:
        """The term of this process, None while it stands by.

        It may be over without our knowing: whoever stores something has it checked in the same
        transaction.
        """
        return self._term

    def when_taken(self, call: Callable[[], None]) -> None:
        """Have something called whenever a term has begun."""
        self._when_taken.append(call)

    def start(self) -> None:
        """Take the lease if nobody holds it, then begin on a thread of its own."""
        self._step()
        super().start()

    def stop(self) -> None:
        """Stop, and give the lease up, so that another process need not wait for its end."""
        super().stop()
        self._attempt(
            self.give_up, postponed="lease not given up", failed="giving up the lease failed"
        )

    def look(self) -> float:
        """Renew the lease, or look at its holder and take over; returns when to look again.

        The time is in seconds from now. Raises ``StorageUnavailable`` when the database cannot say
        whose lease it is; after the time of a lease in which it could not, the term is dropped.
        """
        try:
            if self._term is not None and self._renew(self._term):
                return self._seconds / _RENEWALS_PER_LEASE
            return self._contend()
        except BaseException:
            self._doubt()
            raise

    def lost(self, term: Term) -> None:
        """Say that a term is over: another has begun, or nobody knows."""
        with self._lock:
            if self._term != term:
                return
            self._term = None
        HELD.set(0)
        LOST.inc()
        _log.warning("lease lost, standing by", token=term.token)

    def give_up(self) -> None:
        """End our term, if there is one."""
        with self._lock:
            term, self._term = self._term, None
        if term is not None:
            HELD.set(0)
            self._store.write(lambda connection: give_up_lease(connection, term))
            _log.info("lease given up", token=term.token)

    def _renew(self, term: Term) -> bool:
        began = self._clock.monotonic()
        try:
            self._store.write(lambda connection: renew_lease(connection, term))
        except LeaseLost:
            self.lost(term)
            return False
        self._renewed = began
        return True

    def _contend(self) -> float:
        with self._store.read(reserved=True) as connection:
            row = read_lease(connection)
        now = self._clock.monotonic()
        if self._sight is None or self._sight.row != row:
            self._sight = _Sight(row, now)
        reason = self._reason_to_take(row, now - self._sight.since)
        if reason is not None and self._take(row, reason, now):
            return self._seconds / _RENEWALS_PER_LEASE
        return self._poll_seconds

    def _reason_to_take(self, row: LeaseRow, unchanged_seconds: float) -> str | None:
        if not row.holder:
            return "free"
        # One of our own whose commit we never heard of, or that we have given up in doubt.
        if row.holder == str(self._holder):
            return "ours"
        holder = Holder.parse(row.holder)
        if holder is not None and holder.has_ended():
            return "ended"
        return "silent" if unchanged_seconds >= row.seconds else None

    def _take(self, row: LeaseRow, reason: str, now: float) -> bool:
        """Take what was seen; False when another was faster, or the holder lives after all."""
        term = self._store.write(
            lambda connection: take_lease(
                connection, row, holder=str(self._holder), seconds=self._seconds
            )
        )
        self._sight = None
        if term is None:
            return False
        self._renewed = now
        self._term = term
        HELD.set(1)
        TAKEN.labels(reason).inc()
        _log.info("lease taken", token=term.token, reason=reason, before=row.holder or None)
        for call in self._when_taken:
            call()
        return True

    def _doubt(self) -> None:
        """The database did not answer; what was seen before says nothing about the time since."""
        self._sight = None
        term = self._term
        if term is not None and self._clock.monotonic() - self._renewed >= self._seconds:
            self.lost(term)

    def _loop(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            pause = self._step()

    def _step(self) -> float:
        pause = self._attempt(
            self.look, postponed="lease not renewed or taken", failed="looking at the lease failed"
        )
        return self._poll_seconds if pause is None else pause
