"""Arguments of functions: checked once, when a rule is loaded."""

from collections.abc import Sequence

from app.errors import RuleError
from app.mal import ast
from app.mal.entities import DEFAULT_DELIMITER, EntityRule, Scope
from app.mal.frames import Downsampling


def names_argument(call: ast.MethodCall) -> tuple[str, ...]:
    """The label names of an aggregation; empty for ``null``, which aggregates everything."""
    match call.arguments:
        case (ast.StringList(values),):
            return values
        case (ast.Constant(None),):
            return ()
        case _:
            raise _fault(call, "takes a list of label names such as ['TableName'], or null")


def tag_pairs(call: ast.MethodCall) -> list[tuple[str, str | None]]:
    """The (label, value) pairs of a tag filter; null stands for an absent label."""
    texts: list[str | None] = []
    for argument in call.arguments:
        match argument:
            case ast.String(value):
                texts.append(value)
            case ast.Constant(None):
                texts.append(None)
            case _:
                raise _fault(call, "takes label names and values as strings")
    if not texts or len(texts) % 2:
        raise _fault(call, "takes pairs of a label name and a value")
    pairs: list[tuple[str, str | None]] = []
    for name, text in zip(texts[::2], texts[1::2], strict=True):
        if name is None:
            raise _fault(call, "takes pairs of a label name and a value")
        pairs.append((name, text))
    return pairs


def only_closure(call: ast.MethodCall) -> ast.Closure:
    """The one closure that the function takes."""
    match call.arguments:
        case (ast.Closure() as closure,):
            return closure
        case _:
            raise _fault(call, "takes one closure such as {tags -> tags.a = tags.b}")


def downsampling_argument(call: ast.MethodCall) -> Downsampling:
    """The type given to ``downsampling``, alone or as ``DownsamplingType.X``."""
    match call.arguments:
        case (ast.Metric(name),) | (ast.EnumRef("DownsamplingType", name),):
            if name in Downsampling.__members__:
                return Downsampling[name]
    raise _fault(call, f"takes one of {', '.join(Downsampling)}")


def entity_rule(call: ast.MethodCall) -> EntityRule:
    """What ``service`` and ``endpoint`` say of the entity."""
    match call.method, call.arguments:
        case "service", (ast.StringList(keys), ast.EnumRef("Layer", layer)):
            return EntityRule(Scope.SERVICE, layer, keys)
        case "service", (ast.StringList(keys), ast.String(delimiter), ast.EnumRef("Layer", layer)):
            return EntityRule(Scope.SERVICE, layer, keys, delimiter=delimiter or DEFAULT_DELIMITER)
        case "service", _:
            raise _fault(call, "takes (['label', …], Layer.NAME), a delimiter between if wanted")
        case "endpoint", (
            ast.StringList(service_keys),
            ast.StringList(endpoint_keys),
            *delimiter_and_layer,
        ):
            delimiter, layer = _delimiter_and_layer(call, delimiter_and_layer)
            return EntityRule(Scope.ENDPOINT, layer, service_keys, endpoint_keys, delimiter)
        case _:
            raise _fault(
                call,
                "takes (['service label', …], ['endpoint label', …], Layer.NAME),"
                " a delimiter before the layer if wanted",
            )


def _delimiter_and_layer(
    call: ast.MethodCall, arguments: Sequence[ast.Argument]
) -> tuple[str, str]:
    match arguments:
        case (ast.EnumRef("Layer", layer),):
            return DEFAULT_DELIMITER, layer
        case (ast.String(delimiter), ast.EnumRef("Layer", layer)):
            return delimiter or DEFAULT_DELIMITER, layer
        case _:
            raise _fault(call, "ends with Layer.NAME, a delimiter before it if wanted")


def _fault(call: ast.MethodCall, message: str) -> RuleError:
    return RuleError(f"{call.method} {message}", line=call.place.line, column=call.place.column)
