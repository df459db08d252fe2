"""Every example that sections 1.5 to 1.8 of the reference print, through the sandbox."""

import math

import pytest

from app.errors import RuleError
from tests.unit.rules.sandbox import Given, run, values

SECOND = 1_000
BASE_MS = 1_699_873_860_000  # 2023-11-13 11:11:00


def at(minute: int, seconds: float) -> int:
    """A time of the vectors: minutes after 11:11, and seconds."""
    return BASE_MS + minute * 60 * SECOND + round(seconds * SECOND)


ARRIVALS = [
    (at(0, 1.03), 10.0),
    (at(0, 15.99), 11.0),
    (at(0, 31.00), 12.0),
    (at(0, 46.09), 13.0),
    (at(1, 0.97), 14.0),
    (at(0, 0.97), 15.0),
    (at(1, 16.60), 16.0),
    (at(1, 31.66), 17.0),
]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("PT15S", [0, 1, 1, 1, 1, 0, 2, 1]),
        ("PT35S", [0, 1, 2, 2, 2, 0, 3, 3]),
        ("PT1M", [0, 1, 2, 3, 4, 0, 5, 5]),
        ("PT2M", [0, 1, 2, 3, 4, 0, 1, 2]),
    ],
)
def test_counter_windows(duration: str, expected: list[float]) -> None:
    """Each arrival is evaluated at its own time, over what has arrived of the time until then."""
    found = []
    for number, (time_ms, _) in enumerate(ARRIVALS):
        known = [(t, v) for t, v in ARRIVALS[: number + 1] if t <= time_ms]
        family: Given = [({"svc": "s"}, value, t) for t, value in known]
        (increase,) = values(f"m.increase('{duration}')", {"m": family})
        found.append(increase)
    assert found == expected


INCREASES = [at(0, 1), at(2, 41), at(5, 31), at(8, 31.02)]


@pytest.mark.parametrize(
    ("counter", "expected"),
    [
        ([50.0, 330.0, 380.0, 1380.0], [0.0, 280.0, 330.0, 1050.0]),
        ([150.0, 500.0, 810.0, 1900.0], [0.0, 350.0, 660.0, 1400.0]),
    ],
)
def test_increase_over_five_minutes(counter: list[float], expected: list[float]) -> None:
    for number in range(1, len(counter) + 1):
        family: Given = [
            ({"svc": "s"}, value, t)
            for t, value in zip(INCREASES[:number], counter[:number], strict=True)
        ]
        assert values("m.increase('PT5M')", {"m": family}) == [expected[number - 1]]


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(50.0, 330.0, 1.75), (150.0, 500.0, 2.1875)]
)
def test_rate_at_the_second_point(first: float, second: float, expected: float) -> None:
    family: Given = [({"svc": "s"}, first, INCREASES[0]), ({"svc": "s"}, second, INCREASES[1])]
    assert values("m.rate('PT5M')", {"m": family}) == [expected]
    assert values("m.irate()", {"m": family}) == [expected]


def test_rates_of_less_than_a_second_and_of_a_first_sample_are_zero() -> None:
    close: Given = [({"svc": "s"}, 1.0, at(0, 0)), ({"svc": "s"}, 9.0, at(0, 0.9))]
    for function in ("rate('PT1M')", "irate()"):
        assert values(f"m.{function}", {"m": close}) == [0.0]
        assert values(f"m.{function}", {"m": close[:1]}) == [0.0]


def test_seconds_are_truncated_and_resets_are_negative() -> None:
    family: Given = [({"svc": "s"}, 10.0, at(0, 0)), ({"svc": "s"}, 4.0, at(0, 3.9))]
    assert values("m.rate('PT1M')", {"m": family}) == [-2.0]
    assert values("m.increase('PT1M')", {"m": family}) == [-6.0]


LABELLED: Given = [
    ({"svc": "s", "a": "1", "z": "x"}, 1.0),
    ({"svc": "s", "a": "1", "z": "y"}, 2.0),
    ({"svc": "s", "a": "2", "z": "x"}, -0.0),
    ({"svc": "s", "a": " ", "z": "x"}, 0.0),
    ({"svc": "s", "z": "x"}, 8.0),
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m.tagEqual('a', '1', 'z', 'y')", [2.0]),
        ("m.tagEqual('a', '')", [8.0]),
        ("m.tagEqual('a', null)", [8.0]),
        ("m.tagEqual('a', '1', 'a', '2')", [-0.0]),
        ("m.tagNotEqual('a', '1', 'z', 'x')", []),
        ("m.tagNotEqual('a', null)", [1.0, 2.0, -0.0, 0.0]),
        ("m.tagMatch('a', '1|2')", [1.0, 2.0, -0.0]),
        ("m.tagMatch('a', '')", [8.0]),
        ("m.tagNotMatch('a', '1|2')", [0.0, 8.0]),
        ("m.tagNotMatch('a', '.*')", []),
        ("m.valueEqual(0)", [0.0]),
        ("m.valueNotEqual(0)", [1.0, 2.0, -0.0, 8.0]),
        ("m.valueGreater(0)", [1.0, 2.0, 8.0]),
        ("m.valueGreaterEqual(1)", [1.0, 2.0, 8.0]),
        ("m.valueLess(0)", [-0.0]),
        ("m.valueLessEqual(0)", [-0.0, 0.0]),
        ("m.sum(['svc'])", [11.0]),
        ("m.max(['svc'])", [8.0]),
        ("m.avg(['svc'])", [2.2]),
        ("m.negative()", [-1.0, -2.0, 0.0, -0.0, -8.0]),
        ("m.plus(1)", [2.0, 3.0, 1.0, 1.0, 9.0]),
        ("m.minus(1)", [0.0, 1.0, -1.0, -1.0, 7.0]),
        ("m.multiply(2)", [2.0, 4.0, -0.0, 0.0, 16.0]),
        ("m.div(2)", [0.5, 1.0, -0.0, 0.0, 4.0]),
        ("m.safeDiv(0)", [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("m.tagEqual('a', '1', 'z', 'x').safeDiv(m.tagEqual('a', '1', 'z', 'x'))", [1.0]),
        ("m.debugDump()", [1.0, 2.0, -0.0, 0.0, 8.0]),
    ],
)
def test_functions(expression: str, expected: list[float]) -> None:
    found = values(expression, {"m": LABELLED})
    assert list(map(repr, found)) == list(map(repr, expected))


def test_sum_over_everything_has_no_labels() -> None:
    result, _ = run("m.sum(null).tag({t -> t.svc = 'all'})", {"m": LABELLED})
    assert result.samples == [({"svc": "all"}, 11.0)]


def test_aggregated_labels_are_those_named() -> None:
    result, _ = run("m.sum(['svc', 'a'])", {"m": LABELLED})
    assert result.samples[-1] == ({"svc": "s", "a": ""}, 8.0)


def test_count_of_one_label_counts_its_non_blank_values() -> None:
    result, _ = run("m.count(['a']).tag({t -> t.svc = 's'})", {"m": LABELLED})
    assert result.samples == [({"svc": "s"}, 2.0)]
    assert values("count(m, ['a']).tag({t -> t.svc = 's'})", {"m": LABELLED}) == [2.0]


def test_count_of_several_labels_counts_the_last_by_the_others() -> None:
    result, _ = run("m.count(['svc', 'a', 'z'])", {"m": LABELLED})
    assert result.samples == [
        ({"svc": "s", "a": "1"}, 2.0),
        ({"svc": "s", "a": "2"}, 1.0),
        ({"svc": "s", "a": " "}, 1.0),
    ]


def test_sum_without_an_argument_is_refused() -> None:
    with pytest.raises(RuleError, match="list of label names"):
        run("m.sum()", {"m": LABELLED})


def test_nan_samples_do_not_exist() -> None:
    assert values("m", {"m": [({"svc": "s"}, math.nan), ({"svc": "t"}, 1.0)]}) == [1.0]


PAIRS: dict[str, Given] = {
    "x": [({"svc": "s", "a": "1"}, 6.0), ({"svc": "s", "a": "2"}, 8.0)],
    "y": [({"svc": "s", "a": "1"}, 3.0), ({"svc": "s", "a": "3"}, 1.0)],
    "zero": [({"svc": "s", "a": "1"}, 0.0), ({"svc": "s", "a": "2"}, 0.0)],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x + 1", [7.0, 9.0]),
        ("1 + x", [7.0, 9.0]),
        ("x - 1", [5.0, 7.0]),
        ("1 - x", [-5.0, -7.0]),
        ("x * 2", [12.0, 16.0]),
        ("2 * x", [12.0, 16.0]),
        ("x / 2", [3.0, 4.0]),
        ("24 / x", [4.0, 3.0]),
        ("-x", [-6.0, -8.0]),
        ("x + y", [9.0]),
        ("x - y", [3.0]),
        ("x * y", [18.0]),
        ("x / y", [2.0]),
        ("x.plus(y)", [9.0]),
        ("EMPTY + x", [6.0, 8.0]),
        ("x + EMPTY", [6.0, 8.0]),
        ("EMPTY + EMPTY", []),
        ("EMPTY - x", [-6.0, -8.0]),
        ("x - EMPTY", [6.0, 8.0]),
        ("EMPTY * x", []),
        ("x * EMPTY", []),
        ("EMPTY / x", []),
        ("EMPTY.safeDiv(x)", []),
        ("x.safeDiv(EMPTY)", []),
        ("x / zero", [math.inf, math.inf]),
        ("zero / zero", []),
        ("x.safeDiv(zero)", [0.0, 0.0]),
        ("EMPTY.sum(['svc'])", []),
    ],
)
def test_arithmetic(expression: str, expected: list[float]) -> None:
    assert values(expression, PAIRS) == expected


def test_a_pair_keeps_the_labels_of_the_left() -> None:
    result, _ = run("x + y", PAIRS)
    assert result.samples == [({"svc": "s", "a": "1"}, 9.0)]


def test_time_is_the_seconds_of_now() -> None:
    family: Given = [({"svc": "s"}, 100.0)]
    result, _ = run("time() - m", {"m": family}, now_ms=160_000)
    assert result.samples == [({"svc": "s"}, 60.0)]
    result, _ = run("m - time()", {"m": family}, now_ms=160_000)
    assert result.samples == [({"svc": "s"}, -60.0)]
