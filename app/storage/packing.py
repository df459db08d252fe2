"""What a rollup is about to store, found while reading and written a little later."""

from dataclasses import dataclass

from app.storage.job_queue import Job


@dataclass(frozen=True, slots=True)
class Packed:
    """What is to be written so that what is stored of a part is made of its minutes.

    ``blocks`` are new or other than before, of ``size`` bytes together.
    """

    write: Job[None]
    blocks: int
    size: int
