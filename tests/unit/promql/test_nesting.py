"""The deepest expressions that are parsed can be evaluated, on a thread with a stack of its own."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from app.clock import SystemClock
from app.errors import QuerySyntaxError
from app.promql.engine import Engine, Limits
from app.promql.parsing import format_expression, parse
from app.promql.parsing.parser import MAX_DEPTH
from app.promql.testing import MemoryReader, MemorySeries

FRAMES = 150
"""Calls that a server's thread has around a query: more than uvicorn and anyio make."""

SHAPES: dict[str, Callable[[int], str]] = {
    "parentheses": lambda depth: "(" * depth + "x" + ")" * depth,
    "signs": lambda depth: "-(" * (depth // 2) + "x" + ")" * (depth // 2),
    "functions": lambda depth: "abs(" * depth + "x" + ")" * depth,
    "relabelling": lambda depth: "label_join(" * depth + "x" + ', "a", "", "b")' * depth,
    "aggregations": lambda depth: "topk(1, " * depth + "x" + ")" * depth,
    "parameters": lambda depth: "topk(scalar(" * (depth // 2) + "x" + "), x)" * (depth // 2),
    "to the left": lambda depth: " + ".join(["x"] * depth),
    "to the right": lambda depth: " ^ ".join(["x"] * depth),
    "subqueries": lambda depth: (
        "max_over_time(" * (depth // 2) + "x" + "[1m:] @ 60)" * (depth // 2)
    ),
    "info": lambda depth: "info(" * depth + "x" + ")" * depth,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_deepest_expression(shape: str) -> None:
    text = SHAPES[shape](MAX_DEPTH - 1)
    with pytest.raises(QuerySyntaxError, match="levels deep"):
        parse(SHAPES[shape](MAX_DEPTH + 2))
    reader = MemoryReader([MemorySeries((("__name__", "x"),), np.zeros(1, np.int64), np.ones(1))])
    engine = Engine(Limits(), SystemClock())
    done: list[str] = []

    def ask(frames: int) -> None:
        if frames:
            ask(frames - 1)
            return
        engine.instant(text, 0, reader)
        engine.range(text, 0, 60_000, 60_000, reader)
        done.append(format_expression(parse(text)))

    thread = threading.Thread(target=ask, args=(FRAMES,))
    thread.start()
    thread.join()
    assert done
