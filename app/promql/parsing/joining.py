"""What may stand between a binary operator and its right side.

Source: "Vector matching" in Prometheus' documentation, and its proposal 70 for ``fill``.
"""

from dataclasses import replace
from typing import Literal

from app.promql.ast import Matching
from app.promql.parsing.cursor import Cursor
from app.promql.parsing.literals import signed_number
from app.promql.parsing.selectors import label_list


def modifiers(cursor: Cursor) -> tuple[bool, Matching]:
    """Whether ``bool`` is there, and how the sides find each other."""
    returns_bool = cursor.take("bool")
    matching = Matching()
    if cursor.at("on", "ignoring"):
        on = cursor.advance().word == "on"
        matching = _grouped(cursor, replace(matching, on=on, labels=label_list(cursor)))
    return returns_bool, _filled(cursor, matching)


def _grouped(cursor: Cursor, matching: Matching) -> Matching:
    if not cursor.at("group_left", "group_right"):
        return matching
    many_left = cursor.advance().word == "group_left"
    cardinality: Literal["many-to-one", "one-to-many"] = (
        "many-to-one" if many_left else "one-to-many"
    )
    include = label_list(cursor) if cursor.at("(") else ()
    return replace(matching, cardinality=cardinality, include=include)


def _filled(cursor: Cursor, matching: Matching) -> Matching:
    if cursor.take("fill"):
        value = _fill(cursor)
        return replace(matching, fill_left=value, fill_right=value)
    for _ in range(2):
        if matching.fill_left is None and cursor.take("fill_left"):
            matching = replace(matching, fill_left=_fill(cursor))
        elif matching.fill_right is None and cursor.take("fill_right"):
            matching = replace(matching, fill_right=_fill(cursor))
    return matching


def _fill(cursor: Cursor) -> float:
    cursor.expect("(")
    value = signed_number(cursor, "fill modifier", "number")
    cursor.expect(")", "fill modifier", '")"')
    return value
