"""From the parser's tree to the AST."""

from typing import Any, NamedTuple

from lark import Token, Tree

from app.mal import ast
from app.mal.places import Locate, fault
from app.mal.terms import Operator, Row, interpolated, nested

_ESCAPES = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'"}
_CONSTANTS = {"true": True, "false": False, "null": None}
_MOST_DIGITS = 300


class Called(NamedTuple):
    """A method call that has no receiver yet."""

    namespace: str
    method: str
    arguments: tuple[ast.Argument, ...]
    place: ast.Place

    def on(self, receiver: ast.Expression) -> ast.MethodCall:
        """The call on ``receiver``."""
        return ast.MethodCall(receiver, self.method, self.arguments, self.place, self.namespace)


class Builder:
    """Builds from the leaves upwards, so that no depth of the text exhausts Python's stack.

    Each method is named after a rule of the grammar and takes what its children were built into.
    """

    def __init__(self, locate: Locate) -> None:
        self._locate = locate

    def build(self, tree: "Tree[Token]") -> Any:  # noqa: ANN401 - any node of the AST
        """The AST of a tree. Raises ``RuleError`` for what the grammar alone does not see."""
        built: dict[int, Any] = {}
        for node in tree.iter_subtrees():
            children = [
                built[id(child)] if isinstance(child, Tree) else child for child in node.children
            ]
            built[id(node)] = getattr(self, node.data)(*children)
        return built[id(tree)]

    def _place(self, token: Token) -> ast.Place:
        return self._locate(token.start_pos or 0)

    # Expressions

    def expression(self, node: ast.Expression) -> ast.Expression:
        expression: ast.Expression = _called(node)
        return expression

    def chain(self, *calls: Called) -> tuple[Called, ...]:
        return calls

    def filter(self, closure: ast.Closure) -> ast.Closure:
        return closure

    def number(self, digits: Token) -> ast.Number:
        return ast.Number(float(self._checked(digits)), self._place(digits))

    def metric(self, name: Token) -> ast.Metric:
        return ast.Metric(str(name), self._place(name))

    def binary(self, left: Any, operator: Token, right: Any) -> ast.Binary:  # noqa: ANN401
        return ast.Binary(str(operator), _called(left), _called(right), self._place(operator))

    def negate(self, sign: Token, operand: Any) -> ast.Negate:  # noqa: ANN401
        return ast.Negate(_called(operand), self._place(sign))

    def member(self, owner: Any, name: Token) -> ast.EnumRef:  # noqa: ANN401
        if isinstance(owner, ast.Metric):
            return ast.EnumRef(owner.name, str(name), owner.place)
        raise fault(self._place(name), f"{name} is a function; its arguments stand in (…)")

    def method_call(self, receiver: Any, call: Called) -> ast.MethodCall:  # noqa: ANN401
        return call.on(_called(receiver))

    def function_call(self, name: Token, *arguments: Any) -> ast.FunctionCall:  # noqa: ANN401
        return ast.FunctionCall(str(name), arguments[0] if arguments else (), self._place(name))

    def call(self, *parts: Any) -> Called:  # noqa: ANN401
        arguments = parts[-1] if isinstance(parts[-1], tuple) else ()
        *namespace, method = (part for part in parts if isinstance(part, Token))
        return Called("".join(namespace), str(method), arguments, self._place(method))

    def arguments(self, *arguments: ast.Argument) -> tuple[ast.Argument, ...]:
        return arguments

    def string(self, token: Token) -> ast.String:
        return ast.String(_unquoted(token), self._place(token))

    def regex(self, token: Token) -> ast.String:
        return ast.String(token[1:-1], self._place(token))

    def constant(self, token: Token) -> ast.Constant:
        return ast.Constant(_CONSTANTS[token], self._place(token))

    def string_list(self, *tokens: Token) -> ast.StringList:
        return ast.StringList(tuple(map(_unquoted, tokens)), self._place(tokens[0]))

    def number_list(self, *tokens: Token) -> ast.NumberList:
        values = tuple(float(self._checked(token)) for token in tokens)
        return ast.NumberList(values, self._place(tokens[0]))

    # Closures

    def closure(self, brace: Token, *parts: Any) -> ast.Closure:  # noqa: ANN401
        *parameters, body = parts
        return ast.Closure(parameters[0] if parameters else ("it",), body, self._place(brace))

    def parameters(self, *names: Token) -> tuple[str, ...]:
        return tuple(map(str, names))

    def statements(self, *statements: ast.Statement) -> tuple[ast.Statement, ...]:
        return statements

    def evaluate(self, term: ast.Term) -> ast.Evaluate:
        return ast.Evaluate(term, term.place)

    def declaration(self, *parts: Any) -> ast.Declaration:  # noqa: ANN401
        name, value = parts[-2:]
        return ast.Declaration(str(name), value, self._place(name))

    def assignment(self, target: ast.Term, value: ast.Term) -> ast.Assignment:
        key: ast.Term | None = None
        owner = target
        match target:
            case ast.Field(owner, name, _, place):
                key = ast.Literal(name, place)
            case ast.Index(owner, key):
                pass
        # Of a.b.c the key c is written into a, as SkyWalking does.
        while isinstance(owner, ast.Field | ast.Index):
            owner = owner.owner
        if not isinstance(owner, ast.Variable):
            raise fault(target.place, "only a variable or a label of one can be assigned")
        return ast.Assignment(owner.name, key, value, owner.place)

    def return_value(self, keyword: Token, value: ast.Term) -> ast.Return:
        return ast.Return(value, self._place(keyword))

    def return_nothing(self, keyword: Token) -> ast.Return:
        return ast.Return(None, self._place(keyword))

    def if_statement(self, keyword: Token, test: ast.Term, then: Any, *rest: Any) -> ast.If:  # noqa: ANN401
        return ast.If(test, then, rest[-1] if rest else (), self._place(keyword))

    def otherwise(self, part: Any) -> tuple[ast.Statement, ...]:  # noqa: ANN401
        return (part,) if isinstance(part, ast.If) else part

    def term(self, *parts: Any) -> ast.Term:  # noqa: ANN401
        row: Row = []
        for part in parts:
            if not isinstance(part, Token):
                row.append(part)
            elif part.type in ("STRING", "REGEX"):
                row[-1] = self._completed(row[-1], part)
            else:
                row.append(Operator(str(part), self._place(part)))
        return nested(row)

    def _completed(self, operator: ast.Term | Operator, token: Token) -> Operator:
        """``in`` with one more of its texts, or ``=~`` with its pattern."""
        assert isinstance(operator, Operator)  # noqa: S101 - the grammar says so
        if token.type == "REGEX":
            return Operator(operator.text, operator.place, pattern=token[1:-1])
        values = (*operator.values, _unquoted(token))
        return Operator(operator.text, operator.place, values)

    def variable(self, name: Token) -> ast.Variable:
        return ast.Variable(str(name), self._place(name))

    def literal(self, token: Token) -> ast.Literal:
        return ast.Literal(_CONSTANTS[token], self._place(token))

    def literal_number(self, token: Token) -> ast.Literal:
        digits = self._checked(token)
        return ast.Literal(float(digits) if "." in digits else int(digits), self._place(token))

    def text(self, token: Token) -> ast.Term:
        return interpolated(_unquoted(token), self._place(token))

    def regex_value(self, token: Token) -> ast.Literal:
        return ast.Literal(token[1:-1], self._place(token))

    def map(self, *entries: tuple[str, ast.Term, ast.Place]) -> ast.MapLiteral:
        pairs = tuple((key, value) for key, value, _ in entries)
        return ast.MapLiteral(pairs, entries[0][2])

    def entry(self, key: Token, _: Token, value: ast.Term) -> tuple[str, ast.Term, ast.Place]:
        return _unquoted(key), value, self._place(key)

    def group(self, term: ast.Term) -> ast.Term:
        return term

    def field(self, owner: ast.Term, dot: Token, name: Token) -> ast.Field:
        return ast.Field(owner, str(name), dot == "?.", self._place(name))

    def index(self, owner: ast.Term, *rest: Any) -> ast.Index:  # noqa: ANN401
        return ast.Index(owner, rest[-1], owner.place)

    def closure_call(
        self,
        owner: ast.Term,
        dot: Token,
        name: Token,
        values: tuple[ast.Term, ...] = (),
    ) -> ast.Call:
        return ast.Call(owner, str(name), values, dot == "?.", self._place(name))

    def values(self, *values: ast.Term) -> tuple[ast.Term, ...]:
        return values

    def _checked(self, digits: Token) -> str:
        if len(digits) > _MOST_DIGITS:
            raise fault(self._place(digits), f"a number of more than {_MOST_DIGITS} digits")
        return str(digits)


def _called(node: Any) -> Any:  # noqa: ANN401 - an expression, or what reads like an enumeration's
    if isinstance(node, ast.EnumRef):
        message = f"{node.name} is a function; its arguments stand in (…)"
        raise fault(node.place, message)
    return node


def _unquoted(token: Token) -> str:
    body = str(token)[1:-1]
    if "\\" not in body:
        return body
    characters = iter(body)
    result = []
    for character in characters:
        if character != "\\":
            result.append(character)
            continue
        escaped = next(characters)
        # Any other escape stays as the two characters, so that regular expressions survive.
        result.append(_ESCAPES.get(escaped, f"\\{escaped}"))
    return "".join(result)
