"""Random rule files, series and samples for them, and what an engine makes of these."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from app.catalog import SeriesIdentity, load_statistic_catalog
from app.rules import MetricValues, MinutePoints, RuleEngine
from app.rules.engine import RuleFault
from app.rules.files import parse_rule_file

NAMESPACE = "AWS/DynamoDB"
METRICS = ("ConsumedReadCapacityUnits", "SuccessfulRequestLatency", "Custom.Thing")
FAMILIES = [f"amazonaws_com_AWS_DynamoDB_{metric.replace('.', '_')}" for metric in METRICS]
SUFFIXES = ("", "_sum", "_count", "_min", "_max", "_avg", "_p99")
LABELS = ("TableName", "Source", "GlobalSecondaryIndexName", "cloud_region", "svc", "MetricName")
VALUES = ("a", "b", "a-1", "12", " ", "")

FILTERS = (
    "",
    "",
    "",
    "{ tags -> tags.TableName }",
    "{ tags -> tags.Namespace == 'AWS/DynamoDB' && !tags.Source }",
    "{ tags -> tags.TableName.length() > 0 }",
    "{ tags -> if (tags.remove('Source') != null) { return tags.size() > 5 } return true }",
    "{ tags -> tags.containsKey('TableName') || tags['svc'] =~ /a.*/ }",
    "{ tags -> def all = tags\n return all.Source != 'b' }",
)
NAMING = ".tag({tags -> tags.svc = 'x::' + tags.cloud_account_id})"
MAPPINGS = (
    "",
    NAMING,
    NAMING,
    NAMING + ".tag({tags -> tags.TableName = tags.TableName ?: 't'})",
    ".tag({tags -> tags.svc = tags.TableName.substring(0, 1)})",
    ".tag({tags -> tags.svc = tags.Source})",
    ".tag({tags -> tags.remove('TableName')})",
    ".tag({tags -> tags.svc = tags.svc ?: 's'; tags.put('TableName', tags.size() + '')})",
    ".tag({tags -> if (tags.Source == 'a') { return tags } tags.Source = 'z'})",
    ".tag({tags -> return tags.Source ? tags : ['svc': 'only', 'TableName': 'one']})",
    ".forEach(['TableName', 'Source'], {name, tags -> if (tags[name]) { tags.svc = tags[name] } })",
    ".forEach(['p', 'q'], {name, tags -> tags.svc = (tags.svc ?: '') + name})",
    ".retagByK8sMeta('svc', K8sRetagType.Pod2Service, 'TableName', 'Source')",
)
SELECTIONS = (
    "",
    ".tagEqual('Source', '')",
    ".tagEqual('TableName', 'a', 'Source', 'b')",
    ".tagNotEqual('TableName', 'a')",
    ".tagMatch('TableName', 'a|b')",
    ".tagNotMatch('svc', 'x.*1')",
    ".valueGreater(2)",
)
ENDS = (
    ".service(['svc'], Layer.L)",
    ".service(['svc'], Layer.L)",
    ".service(['svc', 'TableName'], '/', Layer.L)",
    ".service(['svc'], Layer.L).decorate({me -> me.attr0 = me.serviceName.substring(1)})",
    ".endpoint(['svc'], ['TableName'], Layer.L)",
    ".endpoint(['cloud_account_id'], ['TableName'], Layer.L)",
    ".instance(['svc'], ['TableName'], Layer.L)",
    ".instance(['svc'], '::', ['TableName'], '', Layer.L, {tags -> ['s': tags.Source.trim()]})",
    ".serviceRelation(DetectPoint.CLIENT, ['svc'], ['TableName'], '/', Layer.L, 'Source')",
)

# Most of the time the labels that name entities are kept.
_names = st.tuples(
    st.sampled_from(((), ("svc",), ("svc", "TableName"), ("svc", "TableName"))),
    st.lists(st.sampled_from(LABELS), min_size=1, max_size=2),
).map(lambda names: str(list(dict.fromkeys((*names[0], *names[1])))))


@st.composite
def _operands(draw: st.DrawFn) -> str:
    family = draw(st.sampled_from(FAMILIES)) + draw(st.sampled_from(SUFFIXES))
    text = family + draw(st.sampled_from(MAPPINGS)) + draw(st.sampled_from(SELECTIONS))
    if draw(st.booleans()):
        text += f".{draw(st.sampled_from(('sum', 'avg', 'max', 'min', 'count')))}({draw(_names)})"
    return text


@st.composite
def _expressions(draw: st.DrawFn) -> str:
    text = draw(_operands())
    for _ in range(draw(st.integers(0, 2))):
        symbol = draw(st.sampled_from("+-*/"))
        text = f"({text} {symbol} {draw(st.one_of(_operands(), st.just('2')))})"
    if draw(st.booleans()):
        text = f"{text}.sum({draw(_names)})"
    return f"({text})" + draw(st.sampled_from(ENDS))


@st.composite
def rule_files(draw: st.DrawFn) -> str:
    """The text of a rule file of a few rules."""
    expressions = draw(st.lists(_expressions(), min_size=1, max_size=4))
    rules = "".join(
        f"  - name: r{number}\n    exp: |\n      {text.replace(chr(10), ' ; ')}\n"
        for number, text in enumerate(expressions)
    )
    chosen = draw(st.sampled_from(FILTERS))
    indented = chosen.replace("\n", "\n  ")
    head = f"filter: |\n  {indented}\n" if chosen else ""
    return f"{head}metricPrefix: p\nmetricsRules:\n{rules}"


@dataclass(frozen=True)
class Given:
    """A series and its one sample."""

    metric: str
    account: str
    region: str
    dimensions: tuple[tuple[str, str], ...]
    value: float


_DIMENSIONS = ("TableName", "Source", "GlobalSecondaryIndexName", "svc", "Namespace", "x.y", "x_y")


_often_a_table = st.sampled_from((frozenset(), frozenset({"TableName"}), frozenset({"TableName"})))


@st.composite
def _given(draw: st.DrawFn) -> Given:
    names = draw(st.sets(st.sampled_from(_DIMENSIONS), max_size=4)) | draw(_often_a_table)
    return Given(
        draw(st.sampled_from(METRICS)),
        draw(st.sampled_from(("", "111122223333", "444455556666"))),
        draw(st.sampled_from(("", "eu-west-1", "us-east-1"))),
        tuple((name, draw(st.sampled_from(VALUES))) for name in sorted(names)),
        draw(st.sampled_from((0.0, 1.0, 2.5, 7.0, -3.0, 0.1, 1e16))),
    )


def series(most: int = 14) -> st.SearchStrategy[list[Given]]:
    """Series that differ in identity, and their samples."""
    return st.lists(
        _given(), min_size=4, max_size=most,
        unique_by=lambda one: (one.metric, one.account, one.region, one.dimensions),
    )  # fmt: skip


Values = dict[tuple[int, str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Result:
    """Values by rule, entity and label set; properties, rules that failed, and faults of series."""

    values: Values
    properties: dict[tuple[int, str], str]
    failed: list[str]
    faults: Counter[str]


def evaluated(text: str, given: Sequence[Given], batches: Sequence[Sequence[int]]) -> Result:
    """What an engine makes of all series, when they appear in these batches, one after the other.

    Batches hold numbers of series; the last evaluation is over all of them.
    """
    faults: Counter[str] = Counter()
    engine = RuleEngine(
        [parse_rule_file(text, "f.yaml")],
        load_statistic_catalog(),
        lambda error: faults.update([str(error)]),
    )
    identities = [
        SeriesIdentity(one.account, one.region, NAMESPACE, one.metric, one.dimensions, "")
        for one in given
    ]

    def evaluate(numbers: Sequence[int]) -> tuple[list[MetricValues], list[RuleFault]]:
        points = _points(given, sorted(numbers))
        return engine.evaluate(points, lambda ids: [identities[i] for i in ids])

    for numbers in batches:
        evaluate(numbers)
    found, failed = evaluate(range(len(given)))
    values: Values = {}
    for of_metric in found:
        outputs = of_metric.outputs
        columns = outputs.value, outputs.numerator, outputs.weight
        for place, row in enumerate(outputs.row.tolist()):
            entity, labels = of_metric.targets[row]
            numbers_of_row = tuple(float(column[place]).hex() for column in columns)
            values[of_metric.rule, repr(entity), repr(labels)] = numbers_of_row
    properties = {
        (of_metric.rule, repr(entity)): repr(sorted(texts.items()))
        for of_metric in found
        for entity, texts in of_metric.properties.items()
    }
    return Result(values, properties, [str(fault.error) for fault in failed], faults)


def _points(given: Sequence[Given], numbers: Sequence[int]) -> MinutePoints:
    value = np.array([given[number].value for number in numbers], np.float64)
    rows = np.arange(len(numbers))
    return MinutePoints(
        1,
        np.array(numbers, np.int64),
        np.zeros(len(numbers), np.int64),
        np.array([1.0, 2.0, 3.0])[rows % 3],
        value,
        value - 1,
        value + 1,
        rows,
        ("p99",) * len(numbers),
        value * 2,
    )
