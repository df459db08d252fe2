"""Answers as JSON."""

import json
from typing import Any

import numpy as np
import pytest

from app.api.prometheus.encoding import answer_data, envelope, series_data
from app.api.prometheus.limiting import TRUNCATED, limited
from app.arrays import FloatArray
from app.labels import LabelSet
from app.promql.answer import Answer
from app.promql.ast import ValueType
from app.promql.series import Samples, Vector

NAN = float("nan")


def labels(name: str) -> LabelSet:
    return (("__name__", "up"), ("job", name))


def vector(values: list[list[float | None]]) -> Vector:
    """Rows named a, b, …; None is where nothing is."""
    array = np.array(
        [[NAN if value is None else value for value in row] for row in values], dtype=np.float64
    )
    present = np.array([[value is not None for value in row] for row in values])
    return Vector([labels(chr(97 + row)) for row in range(len(values))], array, present)


def range_answer(values: list[list[float | None]]) -> Answer:
    times = 1_000_000 + np.arange(len(values[0]), dtype=np.int64) * 500
    return Answer(ValueType.INSTANT_VECTOR, times, vector=vector(values))


def written(answer: Answer, *, ranged: bool = False, stats: dict[str, object] | None = None) -> Any:  # noqa: ANN401 - JSON
    data = answer_data(answer, ranged=ranged, stats=stats)
    text = b"".join(envelope(data, answer.warnings, answer.infos))
    envelope_of = json.loads(text)
    assert envelope_of["status"] == "success"
    return envelope_of


def at(*times_ms: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(times_ms, dtype=np.int64)


def test_a_vector() -> None:
    answer = Answer(
        ValueType.INSTANT_VECTOR,
        at(1_500),
        vector=vector([[1.0], [None], [NAN], [-0.25]]),
        warnings=("w",),
        infos=("i", "j"),
    )
    assert written(answer) == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {"metric": {"__name__": "up", "job": "a"}, "value": [1.5, "1"]},
                {"metric": {"__name__": "up", "job": "c"}, "value": [1.5, "NaN"]},
                {"metric": {"__name__": "up", "job": "d"}, "value": [1.5, "-0.25"]},
            ],
        },
        "warnings": ["w"],
        "infos": ["i", "j"],
    }


def test_a_matrix_leaves_out_what_is_absent() -> None:
    answer = range_answer([[1.0, None, 3.5], [None, None, None], [None, 1e300, float("inf")]])
    assert written(answer, ranged=True)["data"] == {
        "resultType": "matrix",
        "result": [
            {"metric": {"__name__": "up", "job": "a"}, "values": [[1000, "1"], [1001, "3.5"]]},
            {
                "metric": {"__name__": "up", "job": "c"},
                "values": [[1000.5, "1e+300"], [1001, "+Inf"]],
            },
        ],
    }


def test_a_scalar_a_string_and_nothing() -> None:
    scalar = Answer(ValueType.SCALAR, at(2_000), scalar=np.array([3.0]))
    assert written(scalar)["data"] == {"resultType": "scalar", "result": [2, "3"]}
    string = Answer(ValueType.STRING, at(2_000), string='a"\u00fc\n')
    assert written(string)["data"] == {"resultType": "string", "result": [2, 'a"\u00fc\n']}
    empty: FloatArray = np.empty((0, 1))
    nothing = Vector((), empty, empty.astype(np.bool_))
    answer = Answer(ValueType.INSTANT_VECTOR, at(0), vector=nothing)
    assert written(answer)["data"] == {"resultType": "vector", "result": []}


def test_samples_of_several_parts_are_one_list() -> None:
    first = vector([[1.0, 2.0], [3.0, None]])
    second = vector([[5.0]])
    parts = [
        Samples((labels("a"), labels("b")), at(1_000, 2_000), first.values, first.present),
        Samples((labels("c"),), at(1_700), second.values, second.present),
    ]
    answer = Answer(ValueType.RANGE_VECTOR, at(9_000), samples=parts)
    found = written(answer)["data"]
    assert found["resultType"] == "matrix"
    assert [(s["metric"]["job"], s["values"]) for s in found["result"]] == [
        ("a", [[1, "1"], [2, "2"]]),
        ("b", [[1, "3"]]),
        ("c", [[1.7, "5"]]),
    ]
    cut = written(limited(answer, 2))
    assert [s["metric"]["job"] for s in cut["data"]["result"]] == ["a", "b"]
    assert cut["warnings"] == [TRUNCATED]


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_a_limit_counts_series_with_samples(limit: int) -> None:
    answer = range_answer([[None, None], [1.0, None], [None, 2.0]])
    found = written(limited(answer, limit), ranged=True)
    assert len(found["data"]["result"]) == (1 if limit == 1 else 2)
    assert found.get("warnings", []) == ([TRUNCATED] if limit == 1 else [])


def test_many_series_and_label_sets_come_in_pieces_and_lack_nothing() -> None:
    names = [labels(str(number)) for number in range(2_500)]
    pieces = list(series_data(names))
    assert len(pieces) > 2
    assert json.loads(b"".join(pieces)) == [dict(name) for name in names]
    values = np.arange(2_500.0).reshape(-1, 1)
    many = Vector(names, values, np.ones_like(values, dtype=np.bool_))
    answer = Answer(ValueType.INSTANT_VECTOR, at(0), vector=many)
    found = written(answer, stats={"timings": {}})["data"]
    assert [float(item["value"][1]) for item in found["result"]] == values[:, 0].tolist()
    assert found["stats"] == {"timings": {}}
