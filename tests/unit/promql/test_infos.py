"""``info`` at many steps at once: the same as step by step; and what infos say in full."""

import random

import numpy as np

from app.clock import SystemClock
from app.labels import label_set
from app.promql.engine import Engine, Limits
from app.promql.testing import MemoryReader, MemorySeries


def test_a_range_answers_what_each_of_its_steps_answers() -> None:
    rng = random.Random(3)

    def series(labels: dict[str, str], share: float) -> MemorySeries:
        # Info series are said at times of their own, so that no two are equally new.
        offset = rng.randrange(1, 999)
        times = [time * 60_000 + offset for time in range(30) if rng.random() < share]
        return MemorySeries(label_set(labels), np.array(times, np.int64), np.ones(len(times)))

    stored = [
        series({"__name__": name, "job": job, "instance": instance, "v": str(version)}, 0.15)
        for name in ("a_info", "b_info")
        for job in ("x", "y.z")
        for instance in ("1", "2", "")
        for version in (1,)
    ]
    stored += [
        series({"__name__": "a_info", "job": "x", "instance": "1", "v": "1", "z": str(zone)}, 0.2)
        for zone in (1, 2)
    ]
    stored += [
        series({"__name__": "up", "job": job, "instance": instance}, 0.8)
        for job in ("x", "y.z", "yaz")
        for instance in ("1", "2", "")
    ]
    engine, reader = Engine(Limits(), SystemClock()), MemoryReader(stored)
    for query in (
        'info(up, {__name__=~"[ab]_info"})',
        'info(up, {__name__="a_info", z=~".+"})',
        'info(up, {__name__=~"[ab]_info", v="1"})',
    ):
        whole = engine.range(query, 0, 1_800_000, 60_000, reader).vector
        assert whole is not None
        assert len(whole) > 1
        for step in range(31):
            single = engine.instant(query, step * 60_000, reader).vector
            assert single is not None
            there = {
                labels
                for labels, present in zip(whole.labels, whole.present, strict=True)
                if present[step]
            }
            assert there == set(single.labels), (query, step)


def test_what_was_raised_in_histograms_is_told_in_full() -> None:
    counts = {"1": (5.0, 5.0), "2": (3.0, 5.0), "4": (4.5, 6.0), "+Inf": (6.0, 5.5)}
    stored = [
        MemorySeries(
            label_set({"__name__": "took_bucket", "le": bound}),
            np.array([0, 60_000], np.int64),
            np.array(values),
        )
        for bound, values in counts.items()
    ]
    engine, reader = Engine(Limits(), SystemClock()), MemoryReader(stored)
    query = "histogram_quantile(0.5, took_bucket)"
    assert engine.range(query, 0, 60_000, 60_000, reader).infos == (
        (
            "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see"
            " https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
            ' for metric name "took_bucket", from buckets 2 to +Inf, with a max diff of 2, over 2'
            " samples from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z (1:25)"
        ),
    )
