"""Names that are dropped when the answer is ready, and at once."""

import numpy as np

from app.clock import SystemClock
from app.labels import label_set
from app.promql.engine import Engine, Limits
from app.promql.names import is_parting, kept, parted, unnamed
from app.promql.testing import MemoryReader, MemorySeries

LABELS = label_set({"__name__": "orders_total", "__unit__": "orders", "shop": "a"})


def test_a_marked_name_is_still_a_name() -> None:
    marked = unnamed(LABELS, delayed=True)
    assert marked == LABELS
    assert hash(marked) == hash(LABELS)
    assert is_parting(marked)
    assert parted(marked) == unnamed(LABELS, delayed=False) == (("shop", "a"),)


def test_a_mark_can_be_taken_back() -> None:
    assert not is_parting(kept(unnamed(LABELS, delayed=True)))
    assert parted(LABELS) == LABELS == kept(LABELS)


def test_a_server_drops_names_at_once() -> None:
    series = MemorySeries(LABELS, np.array([0, 60_000]), np.array([1.0, 2.0]))
    query = 'label_replace(abs(orders_total), "name", "$1", "__name__", "(.*)")'
    for delayed, expected in (
        (False, {"shop": "a"}),
        (True, {"name": "orders_total", "shop": "a"}),
    ):
        engine = Engine(Limits(), SystemClock(), delayed_name_removal=delayed)
        answer = engine.instant(query, 60_000, MemoryReader([series]))
        assert answer.vector is not None
        assert list(answer.vector.labels) == [label_set(expected)]
