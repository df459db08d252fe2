"""Arguments of functions: checked once, when a rule is loaded."""

from app.errors import RuleError
from app.mal import ast
from app.mal.buckets import DEFAULT_BUCKET_LABEL
from app.mal.durations import parse_duration_ms
from app.mal.frames import Downsampling
from app.mal.places import fault
from app.mal.windows import Change


def refused(call: ast.MethodCall, message: str) -> RuleError:
    """The error of a call whose arguments, or whose place, are not the function's."""
    return fault(call.place, f"{call.method} {message}")


def names_argument(call: ast.MethodCall) -> tuple[str, ...]:
    """The label names of an aggregation; empty for ``null``, which aggregates everything."""
    match call.arguments:
        case (ast.StringList(values),):
            return values
        case (ast.Constant(None),):
            return ()
        case _:
            raise refused(call, "takes a list of label names such as ['TableName'], or null")


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
                raise refused(call, "takes label names and values as strings")
    if not texts or len(texts) % 2:
        raise refused(call, "takes pairs of a label name and a value")
    pairs: list[tuple[str, str | None]] = []
    for name, text in zip(texts[::2], texts[1::2], strict=True):
        if name is None:
            raise refused(call, "takes pairs of a label name and a value")
        pairs.append((name, text))
    return pairs


def only_closure(call: ast.MethodCall) -> ast.Closure:
    """The one closure that the function takes."""
    match call.arguments:
        case (ast.Closure() as closure,):
            return closure
        case _:
            raise refused(call, "takes one closure such as {tags -> tags.a = tags.b}")


def downsampling_argument(call: ast.MethodCall) -> Downsampling:
    """The type given to ``downsampling``, alone or as ``DownsamplingType.X``."""
    match call.arguments:
        case (ast.Metric(name),) | (ast.EnumRef("DownsamplingType", name),):
            if name in Downsampling.__members__:
                return Downsampling[name]
    raise refused(call, f"takes one of {', '.join(Downsampling)}")


def elements_and_closure(call: ast.MethodCall) -> tuple[tuple[str, ...], ast.Closure]:
    """The elements and the closure of ``forEach``."""
    match call.arguments:
        case (ast.StringList(elements), ast.Closure() as closure):
            return elements, closure
        case _:
            raise refused(call, "takes (['a', …], {element, tags -> …})")


def number_argument(call: ast.MethodCall) -> float:
    """The number of a filter by value."""
    match call.arguments:
        case (ast.Number(value),):
            return value
        case _:
            raise refused(call, "takes one number that is not negative, such as 1 or 0.5")


def range_argument(call: ast.MethodCall, change: Change) -> int:
    """Milliseconds of the range of ``rate`` and ``increase``; ``irate`` has none."""
    match change, call.arguments:
        case Change.IRATE, ():
            return 0
        case Change.IRATE, _:
            raise refused(call, "takes no argument")
        case _, (ast.String(text),):
            try:
                range_ms = parse_duration_ms(text)
            except ValueError as error:
                raise refused(call, f"takes a duration: {error}") from None
            if not 0 < range_ms <= _LONGEST_RANGE_MS:
                raise refused(call, f"looks back over more than 0 and at most 24 hours, not {text}")
            return range_ms
        case _:
            raise refused(call, "takes a duration such as 'PT1M'")


def percentiles_argument(call: ast.MethodCall) -> tuple[int, ...]:
    """The ranks of ``histogram_percentile``, truncated to integers."""
    match call.arguments:
        case (ast.NumberList(values),) if all(0 <= value <= 100 for value in values):  # noqa: PLR2004
            return tuple(int(value) for value in values)
        case _:
            raise refused(call, "takes a list of ranks from 0 to 100 such as [50, 90, 99]")


def bucket_arguments(call: ast.MethodCall) -> tuple[str, float]:
    """The bucket label of ``histogram``, and the milliseconds of a unit of its bounds."""
    match call.arguments:
        case ():
            return DEFAULT_BUCKET_LABEL, _UNIT_MS["SECONDS"]
        case (ast.String(label),):
            return label, _UNIT_MS["SECONDS"]
        case (ast.String(label), ast.EnumRef("TimeUnit", unit)) if unit in _UNIT_MS:
            return label, _UNIT_MS[unit]
        case _:
            units = ", ".join(_UNIT_MS)
            raise refused(call, f"takes nothing, ('le'), or ('le', TimeUnit.X) with X of {units}")


def retag_arguments(call: ast.MethodCall) -> tuple[str, str, str]:
    """The new label, the pod's label and the namespace's label of ``retagByK8sMeta``."""
    match call.arguments:
        case (
            ast.String(new),
            ast.EnumRef("K8sRetagType", "Pod2Service"),
            ast.String(pod),
            ast.String(namespace),
        ):
            return new, pod, namespace
        case _:
            usage = "'new label', K8sRetagType.Pod2Service, 'pod label', 'namespace label'"
            raise refused(call, f"takes ({usage})")


_LONGEST_RANGE_MS = 86_400_000

# Of java.util.concurrent.TimeUnit.
_UNIT_MS = {
    "NANOSECONDS": 1e-6,
    "MICROSECONDS": 1e-3,
    "MILLISECONDS": 1.0,
    "SECONDS": 1e3,
    "MINUTES": 6e4,
    "HOURS": 3.6e6,
    "DAYS": 8.64e7,
}
