"""Which labels a closure can see or change: of the others nothing depends, and they stay."""

from app.mal import ast
from app.mal.places import children

_BY_KEY = frozenset({"containsKey", "get", "getOrDefault", "put", "putIfAbsent", "remove"})


def touched_labels(
    closure: ast.Closure, variable: str, *, gives_labels: bool
) -> frozenset[str] | None:
    """The names of the labels that a closure touches through its parameter ``variable``.

    None if that is not said in its text: a name is computed, or the labels are used as a whole.
    ``gives_labels`` says that the closure may give the labels themselves back.
    """
    names: set[str] = set()
    waiting: list[object] = [*closure.body]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Field(ast.Variable(owner), name) if owner == variable:
                names.add(name)
            case ast.Index(ast.Variable(owner), ast.Literal(str(name))) if owner == variable:
                names.add(name)
            case ast.Call(ast.Variable(owner), method, (ast.Literal(str(name)), *rest)) if (
                owner == variable and method in _BY_KEY
            ):
                names.add(name)
                waiting += rest
            case ast.Assignment(owner, ast.Literal(str(name)), value) if owner == variable:
                names.add(name)
                waiting.append(value)
            case ast.Return(ast.Variable(name)) if name == variable and gives_labels:
                pass
            case ast.Return(value) if value is not None and gives_labels:
                return None
            case ast.Variable(name) | ast.Assignment(name) | ast.Declaration(name) if (
                name == variable
            ):
                return None
            case _:
                waiting += children(node)
    return frozenset(names)
