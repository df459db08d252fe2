"""PromQL as text: parsed, bound to the times of a query, and printed."""

from app.promql.ast import Expression
from app.promql.parsing.binding import bind
from app.promql.parsing.parser import Parser
from app.promql.parsing.printing import format_expression
from app.promql.parsing.value_types import value_type

__all__ = ["bind", "format_expression", "parse", "value_type"]


def parse(text: str) -> Expression:
    """The tree of an expression. Raises ``QuerySyntaxError`` with the place of what is wrong."""
    return Parser(text).parse()
