"""The views over arrays: what they show is what stands, bit for bit, wherever it lies."""

import json
import math
import random
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from app.arrays import FloatArray
from app.storage import Store
from app.storage.array_columns import array_parameter, execute_many

HOUR = 29_913_120
SERIES = [("N", "Reads"), ("N", "Reads"), ("N", "Writes"), ("M", "Reads"), ("N", "Reads")]
NAMES = ("p50", "TM(25%:75%)", "Sum", "=x")
NUMBERS = (0.1, -2.5, 1e300, 5e-324, 1 / 3, 12345678.0, 0.0)

Point = tuple[int, float, float, float | None, float | None]
"""Period, SampleCount, Sum, Minimum, Maximum."""


@dataclass
class Points:
    """Points, and their extra statistics, of one source: whatever came later stands above."""

    rows: dict[tuple[int, int, int], tuple[Point, bool]] = field(default_factory=dict)
    extras: dict[tuple[int, int, int, str], float] = field(default_factory=dict)


def group(series_id: int) -> int:
    namespace, metric = SERIES[series_id - 1]
    return zlib.crc32(f"{namespace}\0{metric}".encode()) & 0x7FFF_FFFF


def made(seed: random.Random, minutes: Sequence[int], share: float) -> Points:
    """Some of the points of these minutes."""
    points = Points()
    for minute in minutes:
        for series_id in range(1, len(SERIES) + 1):
            if seed.random() > share:
                continue
            # The last series is irregular.
            odd = series_id == len(SERIES)
            offset = seed.choice((0, 30_000)) if odd else 0
            period = seed.choice((0, 60_000, 2**40)) if odd else 60_000
            count, total = float(seed.randint(1, 3)), seed.choice(NUMBERS)
            least = seed.choice((None, total, seed.choice(NUMBERS)))
            most = total if seed.random() < 0.5 else seed.choice(NUMBERS)
            key = minute, series_id, offset
            points.rows[key] = (period, count, total, least, most), seed.random() < 0.2
            for name in NAMES:
                if seed.random() < 0.4:
                    points.extras[(*key, name)] = seed.choice(NUMBERS)
    return points


def standing(sources: Sequence[Points]) -> Points:
    """By the rule of docs/schema.md, spelt out once more."""
    found = Points()
    ranks: dict[tuple[object, ...], tuple[bool, float, int]] = {}
    for number, source in enumerate(sources):
        for key, (point, filled) in source.rows.items():
            rank = not filled, point[1], number
            if key not in ranks or rank > ranks[key]:
                found.rows[key], ranks[key] = (point, filled), rank
            for name in NAMES:
                extra = (*key, name)
                if extra in source.extras and (extra not in ranks or rank > ranks[extra]):
                    found.extras[extra], ranks[extra] = source.extras[extra], rank
    for extra in [extra for extra in found.extras if ranks[extra][:2] != ranks[extra[:3]][:2]]:
        del found.extras[extra]
    return found


def doubles(values: Sequence[float | None]) -> FloatArray:
    return np.array([math.nan if value is None else value for value in values], np.float64)


class Writer:
    """Writes blocks as docs/schema.md describes them."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def row(self, table: str, **columns: object) -> None:
        given = {
            name: array_parameter(self.connection, *value) if isinstance(value, tuple) else value
            for name, value in columns.items()
        }
        marks = ", ".join("?" * len(given))
        statement = f"INSERT INTO {table} ({', '.join(given)}) VALUES ({marks})"
        execute_many(self.connection, statement, [list(given.values())])

    def payload(self, keys: Sequence[tuple[int, int, int]], points: Points) -> dict[str, Any]:
        """The columns of points of one minute, in the order of the keys."""
        rows = [points.rows[key] for key in keys]
        offsets = np.array([key[2] for key in keys])
        periods = np.array([point[0] for point, _ in rows])
        filled = np.array([int(filled) for _, filled in rows])
        extras = sorted(key for key in points.extras if key[:3] in set(keys))
        names = sorted({key[3] for key in extras})
        of_point = [points.rows[key[:3]] for key in extras]
        columns = {
            "series_id": ("I", np.array([key[1] for key in keys])),
            "offset_ms": ("I", offsets if offsets.any() else None),
            "period_ms": ("L", periods if (periods != 60_000).any() else None),
            "backfilled": ("I", filled if filled.any() else None),
        }
        for number, name in enumerate(("sample_count", "sum", "minimum", "maximum"), start=1):
            columns[name] = ("F", doubles([point[number] for point, _ in rows]))
        if extras:
            columns |= {
                "extra_series_id": ("I", np.array([key[1] for key in extras])),
                "extra_offset_ms": ("I", np.array([key[2] for key in extras])),
                "extra_statistic": ("I", np.array([names.index(key[3]) for key in extras])),
                "extra_value": ("F", doubles([points.extras[key] for key in extras])),
                "extra_sample_count": ("F", doubles([point[1] for point, _ in of_point])),
                "extra_backfilled": ("I", np.array([int(filled) for _, filled in of_point])),
            }
        return {**columns, "extra_names": json.dumps(names) if names else None}

    def batch(self, number: int, points: Points) -> None:
        """One delivery."""
        by_minute = defaultdict(list)
        for key in sorted(points.rows):
            by_minute[key[0]].append(key)
        for minute, keys in by_minute.items():
            self.row("point_batch", minute=minute, batch_id=number, **self.payload(keys, points))

    def blocks(self, points: Points) -> None:
        """Merged, by group."""
        by_block = defaultdict(list)
        for key in sorted(points.rows):
            by_block[key[0], group(key[1])].append(key)
        for (minute, number), keys in by_block.items():
            self.row(
                "point",
                minute=minute,
                group_id=number,
                first_series=keys[0][1],
                last_series=keys[-1][1],
                **self.payload(keys, points),
            )

    def packed(self, points: Points) -> None:
        """The hour, by series: dense where it can be."""
        by_group = defaultdict(list)
        for key in sorted(points.rows, key=lambda key: (key[1], key[0], key[2])):
            by_group[group(key[1]), key[1] == len(SERIES)].append(key)
        for (number, odd), keys in by_group.items():
            self._pack(number, keys, points, dense=not odd)
        bits = sum(1 << minute for minute in {key[0] - HOUR for key in points.rows})
        self.row("packed_hour", minute=HOUR, point_minutes=bits, value_minutes=0)

    def _pack(
        self, number: int, keys: list[tuple[int, int, int]], points: Points, *, dense: bool
    ) -> None:
        series = sorted({key[1] for key in keys})
        statistics: dict[str, list[float | None]] = {
            name: [points.rows[key][0][place] for key in keys]
            for place, name in enumerate(("SampleCount", "Sum", "Minimum", "Maximum"), start=1)
        }
        filled = [float(points.rows[key][1]) for key in keys]
        if any(filled):
            statistics["Backfilled"] = [*filled]
        for name in sorted({key[3] for key in points.extras if key[:3] in set(keys)}):
            packed = f"={name}" if name in {"Sum", "=x"} else name
            statistics[packed] = [points.extras.get((*key, name)) for key in keys]
        for name in ("Minimum", "Maximum"):
            if statistics[name] == statistics["Sum"]:
                del statistics[name]
        of_series = np.array([series.index(key[1]) for key in keys])
        minute = np.array([key[0] - HOUR for key in keys])
        head: dict[str, Any] = {
            "minute": HOUR,
            "group_id": number,
            "first_series": series[0],
            "last_series": series[-1],
            "series_id": ("I", np.array(series)),
        }
        if not dense:
            periods = np.array([points.rows[key][0][0] for key in keys])
            head["row"] = ("I", of_series)
            head["start_ms"] = ("I", minute * 60_000 + np.array([key[2] for key in keys]))
            head["period_ms"] = ("L", periods if (periods != 60_000).any() else None)
        for name, column in statistics.items():
            values = doubles(column)
            if dense:
                matrix = np.full((len(series), 60), math.nan)
                matrix[of_series, minute] = values
                values = matrix.ravel()
            self.row("packed_point", statistic=name, value=("F", values), **head)


def bits(value: float | None) -> object:
    """Doubles as their bits, but for zeros, which may lose their sign."""
    return value if value is None else struct.pack(">d", value + 0.0)


def shown(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return sorted(
        (tuple(bits(v) if isinstance(v, float) else v for v in row) for row in rows), key=repr
    )


def wanted_points(points: Points) -> list[tuple[Any, ...]]:
    return shown(
        [
            (
                *SERIES[key[1] - 1],
                f"{key[1]}",
                key[0],
                key[0] * 60_000 + key[2],
                *point,
                int(filled),
            )
            for key, (point, filled) in points.rows.items()
        ]
    )


def wanted_extras(points: Points) -> list[tuple[Any, ...]]:
    return shown(
        [
            (*SERIES[key[1] - 1], f"{key[1]}", key[0], key[0] * 60_000 + key[2], key[3], value)
            for key, value in points.extras.items()
        ]
    )


POINTS = (
    "SELECT namespace, metric, dimensions, minute, start_ms, period_ms, sample_count, sum,"
    " minimum, maximum, backfilled FROM v_points"
)
EXTRAS = (
    "SELECT namespace, metric, dimensions, minute, start_ms, statistic, value"
    " FROM v_extra_statistics"
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A database with the series."""
    made = Store(database_url)
    rows = [
        {"d": bytes([n]) * 16, "n": namespace, "m": metric, "dim": f"{n}"}
        for n, (namespace, metric) in enumerate(SERIES, start=1)
    ]
    statement = sa.text(
        "INSERT INTO series (digest, account, region, namespace, metric, dimensions, unit, kind)"
        " VALUES (:d, '1', 'r', :n, :m, :dim, 'Count', 'summary')"
    )
    try:
        made.write(lambda c: [c.execute(statement, row) for row in rows])
        yield made
    finally:
        made.close()


def read(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        return shown(connection.execute(sa.text(query)).fetchall())


@pytest.mark.parametrize("number", range(4))
def test_points_wherever_they_lie(store: Store, number: int) -> None:
    seed = random.Random(number)
    hour = range(HOUR, HOUR + 60)
    packed = made(seed, hour, 0.7)
    late = made(seed, [*seed.sample(hour, 4), HOUR + 61], 0.5)
    batches = [made(seed, [*seed.sample(hour, 3), HOUR + 61, HOUR + 70], 0.4) for _ in range(3)]

    def write(connection: sa.Connection) -> None:
        writer = Writer(connection)
        writer.packed(packed)
        writer.blocks(late)
        for batch_id, batch in enumerate(batches, start=1):
            writer.batch(batch_id, batch)

    store.write(write)
    found = standing([packed, late, *batches])
    assert read(store, POINTS) == wanted_points(found)
    assert read(store, EXTRAS) == wanted_extras(found)
    conditions: tuple[tuple[str, Callable[[tuple[Any, ...]], bool]], ...] = (
        (f"minute = {HOUR + 61}", lambda key: key[0] == HOUR + 61),
        (f"minute >= {HOUR + 3} AND minute < {HOUR + 5}", lambda key: 3 <= key[0] - HOUR < 5),
        ("metric = 'Reads' AND namespace = 'N'", lambda key: SERIES[key[1] - 1] == ("N", "Reads")),
        ("metric LIKE 'W%'", lambda key: SERIES[key[1] - 1][1] == "Writes"),
    )
    for condition, keep in conditions:
        some = Points(
            {key: row for key, row in found.rows.items() if keep(key)},
            {key: value for key, value in found.extras.items() if keep(key)},
        )
        assert some.rows
        assert read(store, f"{POINTS} WHERE {condition}") == wanted_points(some)
        assert read(store, f"{EXTRAS} WHERE {condition}") == wanted_extras(some)


def test_a_block_of_an_hour_that_is_not_recorded_does_not_count(store: Store) -> None:
    seed = random.Random(1)

    def write(connection: sa.Connection) -> None:
        Writer(connection).packed(made(seed, range(HOUR, HOUR + 60), 0.5))
        connection.exec_driver_sql("DELETE FROM packed_hour")

    store.write(write)
    assert read(store, POINTS) == read(store, EXTRAS) == []


@pytest.mark.parametrize(("suffix", "minutes"), [("5m", 5), ("1h", 60)])
def test_points_of_longer_periods(store: Store, suffix: str, minutes: int) -> None:
    length = minutes * 60_000

    def write(connection: sa.Connection) -> None:
        writer = Writer(connection)
        for minute, least in ((HOUR, [0.1, 0.2]), (HOUR + minutes, [None, -4.0])):
            writer.row(
                f"point_{suffix}",
                minute=minute,
                group_id=group(1),
                first_series=1,
                last_series=2,
                series_id=("I", np.array([1, 2])),
                sample_count=("F", doubles([3.0, 1 / 3])),
                sum=("F", doubles([0.1, 0.2])),
                minimum=("F", doubles(least)),
                maximum=("F", doubles([None, 0.2])),
            )

    store.write(write)
    query = (
        "SELECT dimensions, start_ms, period_ms, sample_count, sum, minimum, maximum"
        f" FROM v_points_{suffix}"
    )
    wanted = [
        ("1", HOUR * 60_000, length, 3.0, 0.1, 0.1, None),
        ("2", HOUR * 60_000, length, 1 / 3, 0.2, 0.2, 0.2),
        ("1", HOUR * 60_000 + length, length, 3.0, 0.1, None, None),
        ("2", HOUR * 60_000 + length, length, 1 / 3, 0.2, -4.0, 0.2),
    ]
    assert read(store, query) == shown(wanted)
    assert read(store, f"{query} WHERE minute = {HOUR} AND metric = 'Reads'") == shown(wanted[:2])
    assert read(store, f"{query} WHERE metric = 'Writes'") == []


@pytest.fixture
def named(store: Store) -> Store:
    """The same with two entities, two label sets and metrics."""

    def write(connection: sa.Connection) -> None:
        for name in ("t_a", "t_b"):
            connection.execute(sa.text("INSERT INTO metric (name) VALUES (:n)"), {"n": name})
        for name in ("x", "y"):
            given = {"n": name, "d": name.encode() * 16}
            connection.execute(
                sa.text("INSERT INTO label_set (digest, labels) VALUES (:d, :n)"), given
            )
            connection.execute(
                sa.text(
                    "INSERT INTO entity (digest, scope, layer, service, instance, endpoint,"
                    " process, region, dest_service, dest_instance, dest_process, detect_point,"
                    " component, properties) VALUES (:d, 'service', 'L', :n, '', '', '', '', '',"
                    " '', '', '', 0, '{}')"
                ),
                given,
            )

    store.write(write)
    return store


KEYS = ((1, 1), (1, 2), (2, 1))
VALUES = "SELECT metric, minute, start_ms, service, labels, value, numerator, weight FROM v_values"


def test_values_wherever_they_lie(named: Store) -> None:
    """A row of a metric's minute hides the packed hour, and an empty one does so too."""
    ids = {"entity_id": np.array([k[0] for k in KEYS]), "label_set_id": np.array([1, 2, 1])}
    keys = {name: ("I", column) for name, column in ids.items()}
    value = np.full((3, 60), math.nan)
    weight = value.copy()
    value[0], value[1, 7], value[2, 9] = np.arange(60) / 3, 0.1, 5e-324
    weight[0], weight[1, 7], weight[2, 9] = 3.0, 1.0, 1.0
    numerator = value * weight
    row, minute = np.nonzero(~np.isnan(value[1:]))

    def write(connection: sa.Connection) -> None:
        writer = Writer(connection)
        writer.row("packed_hour", minute=HOUR, point_minutes=0, value_minutes=(1 << 60) - 1)
        head = {"minute": HOUR, "metric_id": 1, "first_entity": 1, "last_entity": 2}
        writer.row(
            "packed_value",
            **head,
            **keys,
            numerator=("F", numerator.ravel()),
            weight=("F", weight.ravel()),
        )
        writer.row(
            "packed_value",
            **{**head, "metric_id": 2},
            **{name: ("I", column[1:]) for name, column in ids.items()},
            row=("I", row),
            minute_of_hour=("I", minute),
            value=("F", value[1:][row, minute]),
        )
        for metric, at in ((1, HOUR + 7), (2, HOUR + 60)):
            column = doubles([1 / 7, 2.0, 3.0])
            columns = {"value": ("F", column), "numerator": ("F", column)} | keys
            parts = ("F", doubles([math.nan, 1.0, 1.0]))
            writer.row("metric_value", minute=at, metric_id=metric, **columns, weight=parts)
        empty = dict.fromkeys(ids, ("I", np.empty(0, np.int64)))
        writer.row("metric_value", minute=HOUR + 9, metric_id=2, **empty)

    named.write(write)
    wanted: list[tuple[Any, ...]] = []
    for entity, at in np.argwhere(~np.isnan(value)).tolist():
        number = value[entity, at], numerator[entity, at], weight[entity, at]
        if at != 7:
            wanted.append((1, HOUR + at, *KEYS[entity], number[1] / number[2], *number[1:]))
        if entity and at != 9:
            wanted.append((2, HOUR + at, *KEYS[entity], number[0], None, None))
    for metric, at in ((1, HOUR + 7), (2, HOUR + 60)):
        for (entity, labels), each in zip(KEYS, (1 / 7, 2.0, 3.0), strict=True):
            wanted.append((metric, at, entity, labels, each, each, None if each < 1 else 1.0))

    def rows(keep: Callable[[int, int], bool]) -> list[tuple[Any, ...]]:
        names = ("", "t_a", "t_b"), ("", "x", "y")
        return shown(
            [
                (names[0][m], at, at * 60_000, names[1][e], names[1][labels], *map(to_float, more))
                for m, at, e, labels, *more in wanted
                if keep(m, at)
            ]
        )

    assert read(named, VALUES) == rows(lambda *_: True)
    assert read(named, f"{VALUES} WHERE metric = 't_b'") == rows(lambda m, _: m == 2)
    assert read(named, f"{VALUES} WHERE metric IN ('t_a') AND minute = {HOUR + 7}") == rows(
        lambda m, at: m == 1 and at == HOUR + 7
    )
    assert read(named, f"{VALUES} WHERE minute >= {HOUR + 9} AND minute < {HOUR + 99}") == rows(
        lambda _, at: at >= HOUR + 9
    )


def to_float(value: float | None) -> float | None:
    return None if value is None else float(value)


def test_values_of_longer_periods(named: Store) -> None:
    def write(connection: sa.Connection) -> None:
        for suffix in ("5m", "1h"):
            Writer(connection).row(
                f"metric_value_{suffix}",
                minute=HOUR,
                metric_id=2,
                entity_id=("I", np.array([1, 2])),
                label_set_id=("I", np.array([2, 1])),
                numerator=("F", doubles([1.0, 7.0])),
                weight=("F", doubles([3.0, 2.0])),
                minutes=("I", np.array([5, 4])),
            )

    named.write(write)
    for suffix in ("5m", "1h"):
        query = f"SELECT metric, service, labels, value, minutes, weight FROM v_values_{suffix}"
        wanted = shown([("t_b", "x", "y", 1 / 3, 5, 3.0), ("t_b", "y", "x", 3.5, 4, 2.0)])
        assert read(named, query) == wanted
        assert read(named, f"{query} WHERE metric = 't_b' AND minute = {HOUR}") == wanted
        assert read(named, f"{query} WHERE metric = 't_a'") == []
