"""``python -m bench.rules``: CPU seconds of loading rules and of evaluating one minute under them.

The points are those of a simulated account, decoded nowhere and stored nowhere: what is measured is
the rule engine alone. The first evaluation of a minute meets only new series, and the following
ones find some that are new. The last one is evaluated again, as minutes are while they fill.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.catalog import SeriesIdentity, load_statistic_catalog
from app.clock import MILLISECONDS_PER_MINUTE
from app.rules import MinutePoints, RuleEngine, load_rule_directory
from app.settings import DEFAULT_RULES
from app.simulator import AccountModel
from app.simulator.points import Point

START_MINUTE = 28_795_680  # A minute in which the 5-minute metrics come, too.
_SERIES_PER_TABLE = 11.3
_MINUTES = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a Markdown table."""
    options = _options(arguments)
    began = time.process_time()
    files = load_rule_directory(options.rules)
    engine = RuleEngine(files, load_statistic_catalog())
    loading = time.process_time() - began

    model = AccountModel(tables=round(options.series / _SERIES_PER_TABLE))
    identities: list[SeriesIdentity] = []
    numbers: dict[object, int] = {}
    rows = []
    minutes = [
        _minute(minute, model.points(minute * MILLISECONDS_PER_MINUTE), numbers, identities)
        for minute in range(START_MINUTE, START_MINUTE + _MINUTES)
    ]
    for points in [*minutes, minutes[-1]]:
        began = time.process_time()
        values, faults = engine.evaluate(points, lambda ids: [identities[i] for i in ids])
        seconds = time.process_time() - began
        if faults:
            raise faults[0].error
        rows.append((len(points.series_id), sum(len(v.outputs.row) for v in values), seconds))

    rules = len(engine.rules)
    print(f"{rules} rules of {len(files)} files loaded and compiled in {loading:.2f} s of CPU\n")
    print("| minute | points | values | CPU s |\n|---|---|---|---|")
    for number, (points_count, values_count, seconds) in enumerate(rows):
        name = {0: "first, all series new", _MINUTES: "the last again"}.get(number, str(number + 1))
        print(f"| {name} | {points_count:,} | {values_count:,} | {seconds:.3f} |")


def _minute(
    minute: int,
    points: list[Point],
    numbers: dict[object, int],
    identities: list[SeriesIdentity],
) -> MinutePoints:
    ids = []
    for point in points:
        series = point.series
        number = numbers.setdefault(series, len(numbers))
        if number == len(identities):
            identities.append(
                SeriesIdentity(
                    series.account,
                    series.region,
                    series.namespace,
                    series.metric,
                    series.dimensions,
                    series.unit,
                )
            )
        ids.append(number)
    order = np.argsort(ids, kind="stable")
    points = [points[i] for i in order.tolist()]
    extras = [(row, *extra) for row, p in enumerate(points) for extra in p.percentiles]
    return MinutePoints(
        minute,
        np.array(ids, np.int64)[order],
        np.array([p.start_ms - minute * MILLISECONDS_PER_MINUTE for p in points], np.int64),
        np.array([p.count for p in points], np.float64),
        np.array([p.sum for p in points], np.float64),
        np.array([p.minimum for p in points], np.float64),
        np.array([p.maximum for p in points], np.float64),
        np.array([row for row, _, _ in extras], np.int64),
        tuple(name for _, name, _ in extras),
        np.array([value for _, _, value in extras], np.float64),
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.rules", description=__doc__)
    parser.add_argument("--series", type=int, default=80_000, help="about so many points a minute")
    parser.add_argument("--rules", type=Path, default=DEFAULT_RULES, help="directory of rule files")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
