"""Workers of which only one process's may work at a time."""

from typing import TypeVar

from app.errors import LeaseLost
from app.pipeline.lease import Lease
from app.pipeline.worker import Worker
from app.storage import Job, Store, Term, fenced

T = TypeVar("T")


class LeasedWorker(Worker):
    """A worker that stands by while this process does not hold the lease.

    A round belongs to the term in which it began. What it has read may be old by the time it
    stores something, but only if another process has had a term since, and then it is refused.
    """

    def __init__(self, name: str, store: Store, lease: Lease) -> None:
        super().__init__(name)
        self._store = store
        self._lease = lease
        self._term: Term | None = None

    @property
    def _stands_by(self) -> bool:
        return self._lease.term is None

    def _begin_round(self) -> None:
        """Begin a round, before anything is read for it. Raises ``LeaseLost`` when standing by."""
        self._term = self._lease.term
        if self._term is None:
            raise LeaseLost("another process does this work; this one stands by")

    def _write(self, job: Job[T], *, epoch: int | None = None) -> T:
        """Store something if the round's term lasts until the commit, else raise ``LeaseLost``.

        ``epoch`` is that of the ids in it, see ``Store.write``.
        """
        term = self._term
        assert term is not None  # noqa: S101 - a round has begun
        try:
            return self._store.write(fenced(term, job), epoch=epoch)
        except LeaseLost:
            self._lease.lost(term)
            raise
