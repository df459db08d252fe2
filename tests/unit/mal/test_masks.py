"""Masks say of all rows what the filter that they stand for says of each."""

from itertools import product

import numpy as np
import pytest

from app.mal import parse_closure, parse_expression
from app.mal.arguments import tag_pairs
from app.mal.ast import MethodCall
from app.mal.closures import label_filter
from app.mal.frames import Labels
from app.mal.label_block import LabelBlock
from app.mal.label_functions import LabelFunction
from app.mal.matching import tag_filter
from app.mal.vocabulary import Vocabulary

CLOSURES = [
    "{ tags -> tags.a }",
    "{ tags -> !tags.a }",
    "{ tags -> tags.a == 'x' }",
    "{ tags -> tags['a'] != 'x' }",
    "{ tags -> tags.a == null }",
    "{ tags -> tags.a != null && tags.b }",
    "{ tags -> tags.a == '' || !(tags.b == 'y') }",
    "{ tags -> tags.a in ['x', ''] && !tags.missing }",
    "{ t -> (t.a || t.b) && t?.c != 'z' && t.Namespace == 'n' }",
]
OTHER_CLOSURES = [
    "{ tags -> tags.a == tags.b }",
    "{ tags -> tags.a == 1 }",
    "{ tags -> tags.a.length() > 0 && tags.b }",
    "{ tags -> tags }",
    "{ tags -> return tags.a }",
]
CALLS = [
    "m.tagEqual('a', 'x')",
    "m.tagEqual('a', '', 'b', 'y')",
    "m.tagEqual('missing', '')",
    "m.tagNotEqual('a', 'x')",
    "m.tagNotEqual('a', '', 'b', 'y')",
    "m.tagNotEqual('missing', '', 'a', 'x')",
]
ROWS: list[Labels] = [
    {name: value for name, value in zip("abc", values, strict=True) if value is not None}
    for values in product((None, "", "x", "y"), repeat=3)
]


def check(passes: LabelFunction[bool], rows: list[Labels]) -> None:
    assert passes.mask is not None
    found = passes.mask(LabelBlock.of(Vocabulary(), rows))
    assert found.dtype == np.bool_
    assert found.tolist() == [passes(labels) for labels in rows]


@pytest.mark.parametrize("text", CLOSURES)
def test_filters_of_files(text: str) -> None:
    passes = label_filter(parse_closure(text))
    check(passes, [*ROWS, *({**labels, "Namespace": "n"} for labels in ROWS)])
    check(passes, ROWS[:1])


@pytest.mark.parametrize("text", OTHER_CLOSURES)
def test_filters_that_need_texts_have_none(text: str) -> None:
    assert label_filter(parse_closure(text)).mask is None


@pytest.mark.parametrize("text", CALLS)
def test_filters_of_rules(text: str) -> None:
    call = parse_expression(text)
    assert isinstance(call, MethodCall)
    check(tag_filter(call.method, tag_pairs(call), call.place), ROWS)
