"""The words of PromQL that completion offers beside metrics and labels."""

from app.promql.ast import ValueType
from app.promql.signatures import SIGNATURES, Signature

_AGGREGATIONS = {
    "avg": "mean over series",
    "bottomk": "the k smallest series",
    "count": "number of series",
    "count_values": "number of series by value",
    "group": "1 for each group",
    "limit_ratio": "a share of the series",
    "limitk": "any k series",
    "max": "greatest over series",
    "min": "smallest over series",
    "quantile": "quantile over series",
    "stddev": "standard deviation over series",
    "stdvar": "variance over series",
    "sum": "sum over series",
    "topk": "the k greatest series",
}
_WORDS = ("by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool")
_TYPES = {
    ValueType.SCALAR: "scalar",
    ValueType.INSTANT_VECTOR: "vector",
    ValueType.RANGE_VECTOR: "range",
    ValueType.STRING: "string",
}


def _arguments(signature: Signature) -> str:
    return ", ".join(_TYPES[each] for each in signature.arguments)


FUNCTIONS = [
    *(
        {"text": name, "kind": f"aggregation: {what}", "insert": f"{name}("}
        for name, what in _AGGREGATIONS.items()
    ),
    *(
        {"text": name, "kind": f"function({_arguments(signature)})", "insert": f"{name}("}
        for name, signature in SIGNATURES.items()
    ),
    *({"text": word, "kind": "keyword", "insert": word} for word in _WORDS),
]
"""As the module takes them: what is shown, what it is, what is put into the text."""
