"""The functions that an expression may call on a family, by name."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.mal import ast
from app.mal.arguments import (
    bucket_arguments,
    elements_and_closure,
    names_argument,
    number_argument,
    only_closure,
    percentiles_argument,
    range_argument,
    refused,
    retag_arguments,
    tag_pairs,
)
from app.mal.arithmetic import SAFE_DIVISION
from app.mal.buckets import DEFAULT_BUCKET_LABEL, bucket_labels
from app.mal.closures import decoration, element_mapping, label_mapping
from app.mal.compiler import WINDOWS, Compiler, Function, negative
from app.mal.dump import Dump
from app.mal.entities import Scope
from app.mal.entity_functions import ENTITY_FUNCTIONS, entity_rule
from app.mal.frames import Combine, Labels
from app.mal.grouping import Aggregate, Count
from app.mal.label_functions import LabelFunction, Selection, filtering, relabelling
from app.mal.matching import tag_filter
from app.mal.nodes import Mask, Node, Select
from app.mal.remembering import remembering
from app.mal.rendering import rendered_call
from app.mal.scalars import Scalar
from app.mal.windows import Change, Window

_AGGREGATIONS = {
    "sum": Combine.SUM,
    "avg": Combine.AVERAGE,
    "max": Combine.MAXIMUM,
    "min": Combine.MINIMUM,
}
_COMPARING = frozenset({"tagEqual", "tagNotEqual"})
_OPERATORS = {"plus": "+", "minus": "-", "multiply": "*", "div": "/", "safeDiv": SAFE_DIVISION}


def _aggregate(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    names = names_argument(call)
    compiler.aggregated.update(names)
    return Aggregate(
        receiver,
        _AGGREGATIONS[call.method],
        names,
        rendered_call(call),
        literal=compiler.around.literal,
    )


def _count(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    names = names_argument(call)
    if not names:
        raise refused(call, "takes a list of label names such as ['TableName']")
    compiler.aggregated.update(names)
    return Count(receiver, names, rendered_call(call))


def _tag_filter(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    pairs, selections = tag_pairs(call), compiler.around.selections
    # A pattern has a place and an allowance of time of its own; other filters need not.
    key = (call.method, *pairs) if call.method in _COMPARING else call
    if key not in selections:
        selections[key] = remembering(filtering(tag_filter(call.method, pairs, call.place)))
    return _select(compiler, call, receiver, selections[key])


def _value_filter(_: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    test, bound = _COMPARISONS[call.method], number_argument(call)
    return Mask(receiver, lambda values: test(_order(values, bound)), rendered_call(call))


def _order(values: FloatArray, bound: float) -> FloatArray:
    """The sign of each value against the bound, as Java's ``Double.compare`` has it.

    A negative zero is below zero. Of absent values it is NaN.
    """
    order = np.sign(values - bound)
    zeros = (values == 0) & (bound == 0)
    return np.where(zeros, np.signbit(bound) * 1.0 - np.signbit(values) * 1.0, order)


_COMPARISONS: dict[str, Callable[[FloatArray], BoolArray]] = {
    "valueEqual": lambda order: order == 0,
    "valueNotEqual": lambda order: (order != 0) & ~np.isnan(order),
    "valueGreater": lambda order: order > 0,
    "valueGreaterEqual": lambda order: order >= 0,
    "valueLess": lambda order: order < 0,
    "valueLessEqual": lambda order: order <= 0,
}


def _select(compiler: Compiler, call: ast.MethodCall, receiver: Node, selection: Selection) -> Node:
    return Select(receiver, selection, on_fault=compiler.around.on_fault, step=rendered_call(call))


def _relabel(
    compiler: Compiler,
    call: ast.MethodCall,
    receiver: Node,
    mapping: Callable[[], LabelFunction[Labels]],
) -> Node:
    # The receiver of the call is another in each rule; the same place is the same text.
    text = replace(call, receiver=ast.Number(0.0, call.place))
    shared, selections = compiler.around.shared, compiler.around.selections
    if (receiver, text) not in shared:
        if text not in selections:
            selections[text] = remembering(relabelling(mapping()))
        shared[receiver, text] = _select(compiler, call, receiver, selections[text])
    return shared[receiver, text]


def _tag(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    closure, processes = only_closure(call), compiler.around.processes
    return _relabel(compiler, call, receiver, lambda: label_mapping(closure, processes))


def _for_each(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    elements, closure = elements_and_closure(call)
    processes = compiler.around.processes
    return _relabel(compiler, call, receiver, lambda: element_mapping(closure, elements, processes))


def _retag_by_kubernetes(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    new, pod, namespace = retag_arguments(call)
    pods = compiler.around.pods

    def mapping(labels: Labels) -> Labels:
        if not labels.get(pod) or not labels.get(namespace):
            return labels
        return {**labels, new: pods.service_of(labels[namespace], labels[pod])}

    touches = frozenset((pod, namespace, new))
    return _relabel(compiler, call, receiver, lambda: LabelFunction(mapping, touches))


def _histogram(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    label, unit_ms = bucket_arguments(call)
    compiler.is_histogram = True
    mapping = LabelFunction[Labels](
        lambda labels: bucket_labels(labels, label, unit_ms),
        frozenset((label, DEFAULT_BUCKET_LABEL)),
    )
    node = _relabel(compiler, call, receiver, lambda: mapping)
    return compiler.carry_entity(node, receiver)


def _histogram_percentile(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    compiler.percentiles = percentiles_argument(call)
    return receiver


def _window(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    change = Change(call.method)
    range_ms = range_argument(call, change)
    window = Window(
        receiver, change, range_ms, rendered_call(call), literal=compiler.around.literal
    )
    compiler.windows.append(window)
    return window


def _operator(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    match call.arguments:
        case (argument,) if isinstance(argument, ast.EXPRESSIONS):
            operand: Node | Scalar = compiler.argument(argument)
        case _:
            raise refused(call, "takes a number or another family")
    result = compiler.binary(call, _OPERATORS[call.method], receiver, operand)
    assert isinstance(result, Node)  # noqa: S101 - one operand is a node
    return result


def _negative(_: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    _takes_nothing(call)
    return negative(receiver)


def _dump(_: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    _takes_nothing(call)
    return Dump(receiver, call.place)


def _downsampling(_: Compiler, call: ast.MethodCall, receiver: Node) -> Node:  # noqa: ARG001 - read before
    return receiver


def _entity(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    rule = entity_rule(call)
    compiler.entity = replace(rule, may_lack_names=compiler.around.literal), receiver
    return receiver


def _decorate(compiler: Compiler, call: ast.MethodCall, receiver: Node) -> Node:
    if compiler.entity is None or compiler.entity[0].scope is not Scope.SERVICE:
        raise refused(call, "comes after service(…), and is for services only")
    rule, node = compiler.entity
    compiler.entity = replace(rule, decorate=decoration(only_closure(call))), node
    return receiver


def _takes_nothing(call: ast.MethodCall) -> None:
    if call.arguments:
        raise refused(call, "takes no argument")


FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(("tagEqual", "tagNotEqual", "tagMatch", "tagNotMatch"), _tag_filter),
    **dict.fromkeys(_COMPARISONS, _value_filter),
    **dict.fromkeys(_AGGREGATIONS, _aggregate),
    "count": _count,
    "tag": _tag,
    "forEach": _for_each,
    "retagByK8sMeta": _retag_by_kubernetes,
    **dict.fromkeys(WINDOWS, _window),
    **dict.fromkeys(_OPERATORS, _operator),
    "negative": _negative,
    "histogram": _histogram,
    "histogram_percentile": _histogram_percentile,
    "downsampling": _downsampling,
    **dict.fromkeys(ENTITY_FUNCTIONS, _entity),
    "decorate": _decorate,
    "debugDump": _dump,
}
"""By name: what the call becomes. Faulty arguments raise ``RuleError`` with the call's place."""
