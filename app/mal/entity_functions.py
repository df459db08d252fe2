"""Entity functions: their arguments, and the ``EntityRule`` that each stands for."""

from collections.abc import Callable

from app.mal import ast
from app.mal.arguments import refused
from app.mal.closures import property_extractor
from app.mal.entities import DEFAULT_DELIMITER, EntityRule, Naming, Scope
from app.mal.frames import Labels

_DETECT_POINTS = ("CLIENT", "SERVER", "PROXY")


def entity_rule(call: ast.MethodCall) -> EntityRule:
    """What an entity function says of the entity. Raises ``RuleError`` for other arguments."""
    rule = ENTITY_FUNCTIONS[call.method](call.arguments)
    if rule is None:
        raise refused(call, f"takes {_USAGE[call.method]}")
    return rule


_Arguments = tuple[ast.Argument, ...]


def _service(arguments: _Arguments) -> EntityRule | None:
    match arguments:
        case (ast.StringList(keys), ast.EnumRef("Layer", layer)):
            return EntityRule(Scope.SERVICE, layer, Naming(keys))
        case (ast.StringList(keys), ast.String(delimiter), ast.EnumRef("Layer", layer)):
            return EntityRule(Scope.SERVICE, layer, _naming(keys, delimiter))
    return None


def _instance(arguments: _Arguments) -> EntityRule | None:
    match arguments:
        case (ast.StringList(service), ast.StringList(instance), ast.EnumRef("Layer", layer)):
            names = Naming(service), Naming(instance)
            properties = None
        case (
            ast.StringList(service),
            ast.String(service_delimiter),
            ast.StringList(instance),
            ast.String(instance_delimiter),
            ast.EnumRef("Layer", layer),
            (ast.Closure() | ast.Constant(None)) as closure,
        ):
            names = _naming(service, service_delimiter), _naming(instance, instance_delimiter)
            properties = _properties(closure)
        case _:
            return None
    service_name, instance_name = names
    return EntityRule(
        Scope.SERVICE_INSTANCE,
        layer,
        service_name,
        instance=instance_name,
        properties=properties,
    )


def _properties(
    closure: ast.Closure | ast.Constant,
) -> Callable[[Labels], dict[str, str]] | None:
    return property_extractor(closure) if isinstance(closure, ast.Closure) else None


def _endpoint(arguments: _Arguments) -> EntityRule | None:
    match arguments:
        case (ast.StringList(service), ast.StringList(endpoint), ast.EnumRef("Layer", layer)):
            delimiter = DEFAULT_DELIMITER
        case (
            ast.StringList(service),
            ast.StringList(endpoint),
            ast.String(delimiter),
            ast.EnumRef("Layer", layer),
        ):
            pass
        case _:
            return None
    names = _naming(service, delimiter), _naming(endpoint, delimiter)
    return EntityRule(Scope.ENDPOINT, layer, *names)


def _process(arguments: _Arguments) -> EntityRule | None:
    match arguments:
        case (
            ast.StringList(service),
            ast.StringList(instance),
            ast.StringList(process),
            ast.String(layer_label),
        ):
            return EntityRule(
                Scope.PROCESS,
                "",
                Naming(service),
                instance=Naming(instance),
                process=Naming(process),
                layer_label=layer_label,
            )
    return None


def _service_relation(arguments: _Arguments) -> EntityRule | None:
    match arguments:
        case (
            ast.EnumRef("DetectPoint", point),
            ast.StringList(source),
            ast.StringList(dest),
            *rest,
        ) if point in _DETECT_POINTS and (end := _relation_end(rest)):
            delimiter, layer, component = end
            return EntityRule(
                Scope.SERVICE_RELATION,
                layer,
                _naming(source, delimiter),
                dest_service=_naming(dest, delimiter),
                detect_point=point,
                component_label=component,
            )
    return None


def _instance_relation(arguments: _Arguments) -> EntityRule | None:
    match arguments:
        case (
            ast.EnumRef("DetectPoint", point),
            ast.StringList(source),
            ast.StringList(source_instance),
            ast.StringList(dest),
            ast.StringList(dest_instance),
            *rest,
        ) if point in _DETECT_POINTS and (end := _relation_end(rest)):
            delimiter, layer, component = end
            return EntityRule(
                Scope.SERVICE_INSTANCE_RELATION,
                layer,
                _naming(source, delimiter),
                instance=_naming(source_instance, delimiter),
                dest_service=_naming(dest, delimiter),
                dest_instance=_naming(dest_instance, delimiter),
                detect_point=point,
                component_label=component,
            )
    return None


def _process_relation(arguments: _Arguments) -> EntityRule | None:
    match arguments:
        case (
            ast.String(side),
            ast.StringList(service),
            ast.StringList(instance),
            ast.String(source),
            ast.String(dest),
            ast.String(component),
        ):
            return EntityRule(
                Scope.PROCESS_RELATION,
                "",
                Naming(service),
                instance=Naming(instance),
                process=Naming((source,)),
                dest_process=Naming((dest,)),
                side_label=side,
                component_label=component,
            )
    return None


def _relation_end(arguments: list[ast.Argument]) -> tuple[str, str, str] | None:
    """Delimiter, layer and the component's label at the end of a relation's arguments."""
    match arguments:
        case [ast.EnumRef("Layer", layer)]:
            return DEFAULT_DELIMITER, layer, ""
        case [ast.String(delimiter), ast.EnumRef("Layer", layer), ast.String(component)]:
            return delimiter, layer, component
    return None


def _naming(keys: tuple[str, ...], delimiter: str) -> Naming:
    return Naming(keys, delimiter or DEFAULT_DELIMITER)


ENTITY_FUNCTIONS: dict[str, Callable[[_Arguments], EntityRule | None]] = {
    "service": _service,
    "instance": _instance,
    "endpoint": _endpoint,
    "process": _process,
    "serviceRelation": _service_relation,
    "serviceInstanceRelation": _instance_relation,
    "processRelation": _process_relation,
}
"""By name: the rule of some arguments, or None when the function does not take them."""

_USAGE = {
    "service": "(['label', …], Layer.NAME), a delimiter between if wanted",
    "instance": (
        "(['service label', …], ['instance label', …], Layer.NAME), or (['service label', …],"
        " 'delimiter', ['instance label', …], 'delimiter', Layer.NAME, {tags -> properties})"
    ),
    "endpoint": (
        "(['service label', …], ['endpoint label', …], Layer.NAME), a delimiter before the layer"
        " if wanted"
    ),
    "process": "(['service label', …], ['instance label', …], ['process label', …], 'layer label')",
    "serviceRelation": (
        "(DetectPoint.CLIENT, ['source label', …], ['destination label', …], Layer.NAME), or with"
        " a delimiter before the layer and the component's label after it"
    ),
    "serviceInstanceRelation": (
        "(DetectPoint.CLIENT, ['source service', …], ['source instance', …],"
        " ['destination service', …], ['destination instance', …], Layer.NAME), or with a"
        " delimiter before the layer and the component's label after it"
    ),
    "processRelation": (
        "('side label', ['service label', …], ['instance label', …], 'source process label',"
        " 'destination process label', 'component label')"
    ),
}
