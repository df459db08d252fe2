"""Two lanes that take turns, each bounded."""

from concurrent.futures import Future

import pytest

from app.errors import StorageBusy, StorageUnavailable
from app.storage.job_queue import MOST_JOBS_TOGETHER, JobQueue, Task


def task(name: str) -> Task:
    """Of a delivery if its name begins with a d."""
    return Task(lambda _: name, Future(), None, is_delivery=name.startswith("d"))


def names(tasks: list[Task] | None) -> list[str]:
    assert tasks is not None
    return [each.job(None) for each in tasks]  # type: ignore[arg-type]


def test_deliveries_come_together_and_other_work_one_by_one_in_turns() -> None:
    queue = JobQueue(100)
    for number in range(MOST_JOBS_TOGETHER + 2):
        queue.put(task(f"d{number}"))
    for number in range(3):
        queue.put(task(f"o{number}"))
    taken = [names(queue.take()) for _ in range(5)]
    assert taken[0] == [f"d{number}" for number in range(MOST_JOBS_TOGETHER)]
    assert taken[1] == ["o0"]
    assert taken[2] == [f"d{MOST_JOBS_TOGETHER}", f"d{MOST_JOBS_TOGETHER + 1}"]
    assert taken[3:] == [["o1"], ["o2"]]


def test_a_lane_that_is_full_does_not_fill_the_other() -> None:
    queue = JobQueue(1)
    queue.put(task("o"))
    with pytest.raises(StorageBusy, match="full"):
        queue.put(task("o"))
    queue.require_room()
    queue.put(task("d"))
    with pytest.raises(StorageBusy) as caught:
        queue.require_room()
    assert caught.value.reason == "queue_full"
    assert names(queue.drain()) == ["d", "o"]
    queue.require_room()


def test_what_is_queued_comes_before_the_end() -> None:
    queue = JobQueue(2)
    queue.put(task("d"))
    queue.close()
    with pytest.raises(StorageUnavailable) as caught:
        queue.put(task("late"))
    assert caught.value.reason == "stopping"
    assert names(queue.take()) == ["d"]
    assert queue.take() is None
    assert queue.wait_closed(60)


def test_waking_gives_no_task() -> None:
    queue = JobQueue(1)
    queue.wake()
    assert queue.take() == []
