"""JSON changed as a tree: types, names, numbers at their limits, things twice and too deep."""

import json
import random
from typing import Any

_DEPTH = 60
_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e308, -1e308, 5e-324, 2**53 + 1, 2**63, 10**30),
    *("", "NaN", "-Infinity", "1", "\0", "\ud800", "ü€😀", "x" * 3_000),
    *([], {}, [[]], {"": {}}, {"p99": 1, "p99.9": "x"}),
)
_NAMES = (
    *("timestamp", "value", "dimensions", "unit", "records", "data", "requestId", "count", ""),
    *("sum", "max", "asDouble", "dataPoints", "attributes", "resourceMetrics", "timeUnixNano"),
)


def mutate(rng: random.Random, tree: Any) -> Any:  # noqa: ANN401 - JSON
    """A changed copy of a tree, which is left as it is; equal seeds give equal changes."""
    if rng.random() < 0.06 or not isinstance(tree, (dict, list)) or not tree:
        return _replaced(rng, tree)
    if isinstance(tree, list):
        index = rng.randrange(len(tree))
        changed = [*tree]
        changed[index : index + 1] = _items(rng, tree[index])
        return changed
    name = rng.choice(list(tree))
    match rng.randrange(6):
        case 0:
            return {key: value for key, value in tree.items() if key != name}
        case 1:
            new = rng.choice(_NAMES)
            return {new if key == name else key: value for key, value in tree.items()}
        case 2:
            return {**tree, rng.choice(_NAMES): rng.choice(_VALUES)}
        case _:
            return {**tree, name: mutate(rng, tree[name])}


def render(rng: random.Random, tree: Any) -> bytes:  # noqa: ANN401 - JSON
    """The tree as text; numbers that JSON has no words for are written as Python does."""
    separators = rng.choice(((",", ":"), (", ", ": ")))
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.5, separators=separators)
    return text.encode("utf-8", "surrogatepass")


def _items(rng: random.Random, item: Any) -> list[Any]:  # noqa: ANN401 - JSON
    match rng.randrange(5):
        case 0:
            return []
        case 1:
            return [item] * rng.choice((2, 30))
        case 2:
            return [rng.choice(_VALUES), item]
        case _:
            return [mutate(rng, item)]


def _replaced(rng: random.Random, tree: Any) -> Any:  # noqa: ANN401 - JSON
    match rng.randrange(4):
        case 0:
            for _ in range(rng.choice((1, 5, _DEPTH))):
                tree = [tree] if rng.random() < 0.5 else {"dimensions": tree}
            return tree
        case 1 if isinstance(tree, (int, float)) and not isinstance(tree, bool):
            return rng.choice((-tree, tree * 1e300, float("nan"), float("inf"), str(tree)))
        case 2 if isinstance(tree, str):
            return rng.choice((tree * 2, tree[:-1], ascii(tree), [tree]))
        case _:
            return rng.choice(_VALUES)
