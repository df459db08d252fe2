"""Calls as text, for explanations: the AST keeps no source."""

from app.mal import ast


def rendered_call(call: ast.MethodCall) -> str:
    """A call without its receiver, such as ``sum(['TableName'])``; closures are shortened."""
    return f"{call.method}({', '.join(_argument(argument) for argument in call.arguments)})"


def _argument(argument: ast.Argument) -> str:
    match argument:
        case ast.String(value):
            return repr(value)
        case ast.StringList(values):
            return f"[{', '.join(repr(value) for value in values)}]"
        case ast.NumberList(values):
            return f"[{', '.join(f'{value:g}' for value in values)}]"
        case ast.EnumRef(enum, name):
            return f"{enum}.{name}"
        case ast.Constant(value):
            return "null" if value is None else str(value).lower()
        case ast.Closure(parameters):
            return f"{{{', '.join(parameters)} -> …}}"
        case ast.Number(value):
            return f"{value:g}"
        case ast.Metric(name):
            return name
        case _:
            return "…"
