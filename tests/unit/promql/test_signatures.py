"""The table of functions."""

from app.promql.ast import ValueType
from app.promql.parsing import parse, value_type
from app.promql.signatures import SIGNATURES


def test_every_function_of_prometheus_3_is_there_and_none_that_is_gone() -> None:
    assert len(SIGNATURES) == 89
    assert {"rate", "info", "max_of", "double_exponential_smoothing", "ts_of_max_over_time"} <= (
        SIGNATURES.keys()
    )
    assert not {"holt_winters", "sum", "count_scalar", "drop_common_labels"} & SIGNATURES.keys()
    assert list(SIGNATURES) == sorted(SIGNATURES)
    assert all(name == signature.name for name, signature in SIGNATURES.items())


def test_numbers_of_arguments() -> None:
    counts = {name: (each.least, each.most) for name, each in SIGNATURES.items()}
    assert counts["rate"] == (1, 1)
    assert counts["time"] == (0, 0)
    assert counts["hour"] == (0, 1)
    assert counts["round"] == (1, 2)
    assert counts["label_join"] == (3, None)
    assert counts["sort_by_label"] == (1, None)
    assert counts["histogram_quantiles"] == (3, 12)
    for signature in SIGNATURES.values():
        assert signature.least <= len(signature.arguments)
        assert signature.most is None or signature.most >= len(signature.arguments)


def test_the_last_type_is_that_of_all_further_arguments() -> None:
    signature = SIGNATURES["histogram_quantiles"]
    assert [signature.argument_type(number) for number in (0, 1, 2, 9)] == [
        ValueType.INSTANT_VECTOR,
        ValueType.STRING,
        ValueType.SCALAR,
        ValueType.SCALAR,
    ]


def test_types_of_expressions() -> None:
    types = {
        "1": "scalar",
        "'a'": "string",
        "x": "vector",
        "x[5m]": "matrix",
        "x[5m:]": "matrix",
        "(-(1))": "scalar",
        "-x": "vector",
        "1 + 2": "scalar",
        "1 + x": "vector",
        "x > y": "vector",
        "1 + scalar(x) * time()": "scalar",
        "vector(1)": "vector",
        "sum(x)": "vector",
        "rate(x[5m])": "vector",
    }
    for text, expected in types.items():
        assert value_type(parse(text)) is ValueType(expected), text
