"""From the AST of a closure to Python functions that call each other.

A term becomes a function of the scope, the variables by name; a statement one that gives back the
value of a ``return`` that it executed, and otherwise ``GOES_ON``.
"""

from collections.abc import Callable, Sequence

from app.errors import RuleError
from app.mal import ast
from app.mal.closure_operators import (
    GOES_ON,
    Execute,
    Run,
    Scope,
    addition,
    branch,
    equality,
    failure,
    placed,
    ternary,
)
from app.mal.java_methods import methods_named
from app.mal.names import PROCESS_REGISTRY
from app.mal.patterns import Allowance, Pattern
from app.mal.registries import NOT_CONFIGURED_PROCESSES, ProcessRegistry
from app.mal.values import (
    ClosureError,
    Value,
    arithmetic,
    kind_of,
    located,
    ordered,
    text_of,
)

_MOST_PATTERNS = 64
_TAKES_A_REGEX = frozenset({"matches", "replaceAll", "replaceFirst", "split"})


class ClosureCompiler:
    """Compiles one closure; its regular expressions share one allowance of time."""

    def __init__(
        self,
        processes: ProcessRegistry = NOT_CONFIGURED_PROCESSES,
        *,
        null_can_be_written: bool = False,
    ) -> None:
        self._processes = processes
        self._null_can_be_written = null_can_be_written
        self._allowance = Allowance()
        self._patterns: dict[str, Pattern] = {}

    def block(self, statements: Sequence[ast.Statement]) -> Execute:
        """Statements in their order."""
        executes = [self._statement(statement) for statement in statements]
        if len(executes) == 1:
            return executes[0]

        def execute(scope: Scope) -> object:
            for statement in executes:
                result = statement(scope)
                if result is not GOES_ON:
                    return result
            return GOES_ON

        return execute

    def term(self, term: ast.Term) -> Run:
        """A term's value."""
        match term:
            case ast.Literal(value):
                return lambda _: value
            case ast.Variable(name):
                return lambda scope: scope[name]
            case ast.Field():
                return self._field(term)
            case ast.Index():
                return self._index(term)
            case ast.Call():
                return self._call(term)
            case ast.MapLiteral():
                return self._map(term)
            case ast.Operation():
                return self._operation(term)
            case ast.Match(subject, pattern, place):
                return self._match(self.term(subject), Pattern(pattern, place, self._allowance))
            case ast.In(member, values):
                run = self.term(member)
                texts = frozenset(values)
                return lambda scope: isinstance(found := run(scope), str) and found in texts
            case ast.Not(operand):
                run = self.term(operand)
                return lambda scope: not run(scope)
            case ast.Minus(operand, place):
                run = self.term(operand)
                return placed(place, lambda scope: arithmetic("-", 0, run(scope)))
            case ast.Ternary(test, then, otherwise):
                return ternary(self.term(test), self.term(then), self.term(otherwise))

    def _statement(self, statement: ast.Statement) -> Execute:
        match statement:
            case ast.Evaluate(term):
                run = self.term(term)

                def evaluate(scope: Scope) -> object:
                    run(scope)
                    return GOES_ON

                return evaluate
            case ast.Declaration(name, value) | ast.Assignment(name, None, value):
                run = self.term(value)

                def assign(scope: Scope) -> object:
                    scope[name] = run(scope)
                    return GOES_ON

                return assign
            case ast.Assignment():
                return self._write(statement)
            case ast.If(test, then, otherwise):
                return branch(self.term(test), self.block(then), self.block(otherwise))
            case ast.Return(value):
                return self.term(value) if value else lambda _: None

    def _write(self, assignment: ast.Assignment) -> Execute:
        assert assignment.key is not None  # noqa: S101 - told apart by the caller
        variable, place = assignment.variable, assignment.place
        key, value = self.term(assignment.key), self.term(assignment.value)
        nulls = self._null_can_be_written

        def write(scope: Scope) -> object:
            labels = scope[variable]
            name, written = key(scope), value(scope)
            if type(labels) is not dict:
                raise failure(place, f"{variable} is {kind_of(labels)}; it holds no labels")
            if type(name) is not str:
                raise failure(place, f"a label's name is a text, not {kind_of(name)}")
            if type(written) is not str and not (written is None and nulls):
                if written is None:
                    raise failure(place, f"label {name} would become null")
                try:
                    written = text_of(written)
                except ClosureError as error:
                    raise located(error, place) from None
            labels[name] = written
            return GOES_ON

        return write

    def _map(self, literal: ast.MapLiteral) -> Run:
        place = literal.place
        runs = [(key, self.term(value)) for key, value in literal.entries]

        def build(scope: Scope) -> Value:
            built = {key: run(scope) for key, run in runs}
            for key, value in built.items():
                if isinstance(value, dict | list):
                    raise failure(place, f"a map holds texts; {key} is {kind_of(value)}")
            return built

        return build

    def _field(self, field: ast.Field) -> Run:
        owner, name, safe, place = self.term(field.owner), field.name, field.safe, field.place

        def read(scope: Scope) -> Value:
            value = owner(scope)
            if type(value) is dict:
                return value.get(name)
            if value is None and safe:
                return None
            if isinstance(value, list) and name == "length":
                return len(value)
            hint = f"; write ?.{name}" if value is None else ""
            raise failure(place, f".{name} is read from {kind_of(value)}{hint}")

        return read

    def _index(self, index: ast.Index) -> Run:
        owner, key, place = self.term(index.owner), self.term(index.key), index.key.place

        def read(scope: Scope) -> Value:
            value, at = owner(scope), key(scope)
            if isinstance(value, dict):
                return value.get(at) if isinstance(at, str) else None
            if isinstance(value, list) and type(at) is int:
                if 0 <= at < len(value):
                    return value[at]
                raise failure(place, f"element {at} of an array of {len(value)}")
            raise failure(place, f"[{kind_of(at)}] is read from {kind_of(value)}")

        return read

    def _call(self, call: ast.Call) -> Run:
        if isinstance(call.owner, ast.Variable) and call.owner.name == PROCESS_REGISTRY:
            return self._registry_call(call)
        owner, name, safe, place = self.term(call.owner), call.method, call.safe, call.place
        arguments = [self.term(argument) for argument in call.arguments]
        methods = methods_named(name, len(arguments))
        compile_regex = self._compile_regex(call)

        def run(scope: Scope) -> Value:
            receiver = owner(scope)
            if receiver is None:
                if safe:
                    return None
                raise failure(place, f".{name}() is called on null; write ?.{name}()")
            method = methods.get(type(receiver))
            if method is None:
                raise failure(place, f"{kind_of(receiver)} has no method {name}")
            try:
                if not arguments:
                    return method.run(receiver)
                given = [argument(scope) for argument in arguments]
                return method.call(receiver, given, compile_regex)
            except ClosureError as error:
                raise located(error, place) from None

        return run

    def _compile_regex(self, call: ast.Call) -> Callable[[str], Pattern]:
        """How the call's regular expression is compiled: a literal one now, others when met."""
        match call.arguments:
            case (ast.Literal(str(text), place), *_) if call.method in _TAKES_A_REGEX:
                pattern = Pattern(text, place, self._allowance)
                return lambda _: pattern
        place = call.place

        def compiled(text: str) -> Pattern:
            if text not in self._patterns:
                if len(self._patterns) == _MOST_PATTERNS:
                    self._patterns.clear()
                try:
                    self._patterns[text] = Pattern(text, place, self._allowance)
                except RuleError as error:
                    raise failure(place, error.reason) from error
            return self._patterns[text]

        return compiled

    def _registry_call(self, call: ast.Call) -> Run:
        methods: dict[str, Callable[..., str]] = {
            "generateVirtualLocalProcess": self._processes.generate_virtual_local_process,
            "generateVirtualRemoteProcess": self._processes.generate_virtual_remote_process,
            "generateVirtualProcess": self._processes.generate_virtual_process,
        }
        method, place = methods[call.method], call.place
        arguments = [self.term(argument) for argument in call.arguments]
        return placed(
            place, lambda scope: method(*(text_of(argument(scope)) for argument in arguments))
        )

    def _match(self, subject: Run, pattern: Pattern) -> Run:
        def run(scope: Scope) -> Value:
            value = subject(scope)
            groups = None if value is None else pattern.groups(text_of(value))
            return None if groups is None else [list(groups)]

        return run

    def _operation(self, operation: ast.Operation) -> Run:
        place, operator = operation.place, operation.operator
        left, right = self.term(operation.left), self.term(operation.right)
        match operator:
            case "&&":
                return lambda scope: bool(left(scope) and right(scope))
            case "||":
                return lambda scope: bool(left(scope) or right(scope))
            case "?:":
                return lambda scope: left(scope) or right(scope)
            case "==" | "!=":
                return equality(operation, left, right)
            case "+":
                return addition(operation, left, right)
            case "<" | ">" | "<=" | ">=":
                return placed(place, lambda scope: ordered(operator, left(scope), right(scope)))
        return placed(place, lambda scope: arithmetic(operator, left(scope), right(scope)))
