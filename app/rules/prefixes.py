"""A rule's expression with the prefix and the suffix of its file."""

from app.mal import Chain, Downsampling, ast
from app.mal.places import check_size, fault

_MOST_CALLS = 10_000


def composed(
    expression: ast.Expression, prefix: Chain | None, suffix: Chain | None
) -> ast.Expression:
    """The prefix after every metric, wherever it stands, and the suffix after the whole.

    The names of downsampling types that stand alone as an argument are no metrics. Raises
    ``RuleError`` where the result would be too large.
    """
    if prefix is not None:
        expression = _Prefixing(prefix).applied(expression)
    if suffix is not None:
        expression = suffix(expression)
    check_size(expression, expression.place)
    return expression


class _Prefixing:
    def __init__(self, prefix: Chain) -> None:
        self._prefix = prefix
        self._calls = 0

    def applied(self, node: ast.Expression) -> ast.Expression:
        match node:
            case ast.Metric(_, place):
                self._calls += len(self._prefix)
                if self._calls > _MOST_CALLS:
                    raise fault(place, f"expPrefix would make more than {_MOST_CALLS} calls")
                return self._prefix(node)
            case ast.MethodCall(receiver, method, arguments, place, namespace):
                return ast.MethodCall(
                    self.applied(receiver), method, self._arguments(arguments), place, namespace
                )
            case ast.FunctionCall(name, arguments, place):
                return ast.FunctionCall(name, self._arguments(arguments), place)
            case ast.Binary(operator, left, right, place):
                return ast.Binary(operator, self.applied(left), self.applied(right), place)
            case ast.Negate(operand, place):
                return ast.Negate(self.applied(operand), place)
            case _:
                return node

    def _arguments(self, arguments: tuple[ast.Argument, ...]) -> tuple[ast.Argument, ...]:
        return tuple(
            argument
            if isinstance(argument, ast.Metric) and argument.name in Downsampling.__members__
            else self._argument(argument)
            for argument in arguments
        )

    def _argument(self, argument: ast.Argument) -> ast.Argument:
        match argument:
            case (
                ast.Metric()
                | ast.MethodCall()
                | ast.FunctionCall()
                | ast.Binary()
                | ast.Negate()
                | ast.Number()
            ):
                return self.applied(argument)
        return argument
