"""Functions over sample families, by the specification's table."""

import math

import pytest

from app.errors import RuleError
from app.mal import Combine
from app.mal.entities import Scope
from tests.unit.mal.families import Families, Values, labelled

END = ".service(['svc'], Layer.L)"
FAMILIES = {
    "m": [
        (labelled(a="1", b="x"), 1.0),
        (labelled(a="1", b="y"), 2.0),
        (labelled(a="2", b="x"), 4.0),
        (labelled(b="z"), 8.0),
    ],
    "n": [(labelled(a="1", b="x"), 10.0), (labelled(a="2", b="x"), 0.0)],
    "one": [(labelled(), 5.0)],
    "none": [(labelled(), math.nan)],
}


def evaluate(text: str, combine: Combine = Combine.SUM) -> Values:
    return Families(FAMILIES, combine).evaluate(f"({text}){END}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m.tagEqual('a', '1')", 3.0),
        ("m.tagEqual('a', '1', 'b', 'y')", 2.0),
        ("m.tagEqual('a', '')", 8.0),
        ("m.tagEqual('a', null)", 8.0),
        ("m.tagEqual('a', '1', 'a', '2')", 4.0),
        ("m.tagNotEqual('a', '1')", 12.0),
        ("m.tagNotEqual('a', '1', 'b', 'x')", 8.0),
        ("m.tagNotEqual('a', null)", 7.0),
        ("m.tagMatch('b', 'x|y')", 7.0),
        ("m.tagMatch('b', 'x.')", None),
        ("m.tagMatch('a', '1?')", 11.0),
        ("m.tagNotMatch('a', '1')", 12.0),
        ("m.tagNotMatch('a', '1?')", 4.0),
        ("m.sum(['svc'])", 15.0),
        ("m.min(['svc'])", 1.0),
        ("m.max(['svc'])", 8.0),
        ("m.avg(['svc'])", 3.75),
        ("m.sum(['svc', 'a']).max(['svc'])", 8.0),
        ("m.sum(['svc']) * 2", 30.0),
        ("2 * m.sum(['svc'])", 30.0),
        ("m.sum(['svc']) + 1", 16.0),
        ("1 + m.sum(['svc'])", 16.0),
        ("m.sum(['svc']) - 1", 14.0),
        ("1 - m.sum(['svc'])", -14.0),
        ("m.sum(['svc']) / 2", 7.5),
        ("30 / m.sum(['svc'])", 2.0),
        ("-m.sum(['svc'])", -15.0),
        ("m.sum(['svc']) * (1 + 2)", 45.0),
        ("m.sum(['svc']) * -1", -15.0),
        ("m.sum(['svc']) / 0", math.inf),
        ("m.sum(['svc']) - m.sum(['svc'])", 0.0),
        ("(m.sum(['svc']) - m.sum(['svc'])) / 0", None),
        ("m.sum(['svc']) / one", 3.0),
        ("none", None),
        ("none + one", 5.0),
        ("one + none", 5.0),
        ("none - one", -5.0),
        ("one - none", 5.0),
        ("one * none", None),
        ("none * one", None),
        ("one / none", None),
        ("none / one", None),
        ("none + none", None),
        ("unheard + one", 5.0),
    ],
)
def test_values(text: str, expected: float | None) -> None:
    assert evaluate(text) == ({} if expected is None else {("s",): expected})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"2 * one{END}", 10.0),
        (f"one{END} / 2", 2.5),
        (f"-one{END}", -5.0),
        (f"m.sum(['svc']){END} / one{END}", 3.0),
    ],
)
def test_arithmetic_after_the_entity_counts(text: str, expected: float) -> None:
    assert Families(FAMILIES, Combine.SUM).evaluate(text) == {("s",): expected}


def test_samples_pair_by_all_labels() -> None:
    result = Families(FAMILIES).evaluate("(m / n).endpoint(['svc'], ['a', 'b'], Layer.L)")
    assert result == {("s", "1.x"): 0.1, ("s", "2.x"): math.inf}


def test_empty_and_missing_labels_pair() -> None:
    families = {"p": [(labelled(a=""), 6.0)], "q": [(labelled(), 2.0)]}
    assert Families(families).evaluate("(p / q)" + END) == {("s",): 3.0}


def test_aggregation_keeps_exactly_the_named_labels() -> None:
    result = evaluate("m.sum(['svc', 'a'])")
    assert result == {("s", "a", "1"): 3.0, ("s", "a", "2"): 4.0, ("s",): 8.0}


def test_aggregation_over_everything_has_no_labels() -> None:
    text = "m.sum(null).tag({t -> t.svc = 'all'})"
    assert evaluate(text) == {("all",): 15.0}


@pytest.mark.parametrize(
    ("combine", "expected"),
    [
        (Combine.SUM, 15.0),
        (Combine.MAXIMUM, 8.0),
        (Combine.MINIMUM, 1.0),
        (Combine.AVERAGE, 3.75),
    ],
)
def test_samples_that_meet_combine_by_their_statistic(combine: Combine, expected: float) -> None:
    assert evaluate("m", combine) == {("s",): expected}


def test_averages_are_weighed() -> None:
    families = {"m": [(labelled(a="1"), 10.0), (labelled(a="2"), 2.0)]}
    weighed = Families(families, weights={"m": [1.0, 9.0]})
    for text in ("m", "m.avg(['svc'])", "m.avg(['svc', 'a']).avg(['svc'])"):
        assert weighed.evaluate(text + END) == {("s",): 2.8}, text
    assert weighed.evaluate("(m * 10)" + END) == {("s",): 28.0}
    assert Families(families).evaluate("m.avg(['svc'])" + END) == {("s",): 6.0}


def test_quotients_that_meet_are_the_quotient_of_the_sums() -> None:
    families = {
        "errors": [(labelled(a="1"), 1.0), (labelled(a="2"), 1.0)],
        "requests": [(labelled(a="1"), 1.0), (labelled(a="2"), 99.0)],
    }
    assert Families(families).evaluate("(errors / requests)" + END) == {("s",): 0.02}


def test_a_breakdown_counts_only_without_its_whole() -> None:
    families = {
        "m": [
            (labelled(), 10.0),
            (labelled(part="1"), 4.0),
            ({"svc": "t", "part": "1"}, 1.0),
            ({"svc": "t", "part": "2"}, 2.0),
        ]
    }
    result = Families(families, Combine.SUM).evaluate("m" + END)
    assert result == {("s",): 10.0, ("t",): 3.0}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("service(['svc'], Layer.L)", ("s",)),
        ("service(['svc', 'x'], Layer.L)", ("s.e",)),
        ("service(['svc', 'x'], '::', Layer.L)", ("s::e",)),
        ("service(['svc', 'x'], '', Layer.L)", ("s.e",)),
        ("service(['missing', 'x'], Layer.L)", ("e",)),
        ("endpoint(['svc'], ['x'], Layer.L)", ("s", "e")),
        ("endpoint(['svc'], ['x', 'svc'], ':', Layer.L)", ("s", "e:s")),
        ("service(['svc'], Layer.L).endpoint(['svc'], ['x'], Layer.L)", ("s", "e")),
        ("endpoint(['svc'], ['missing'], Layer.L)", None),
        ("service(['missing'], Layer.L)", None),
    ],
)
def test_entities(function: str, expected: tuple[str, ...] | None) -> None:
    families = Families({"m": [(labelled(x="e"), 1.0)]})
    assert families.evaluate(f"m.{function}") == ({} if expected is None else {expected: 1.0})


def test_endpoints_of_two_regions_are_two() -> None:
    families = Families(
        {"m": [(labelled(x="e", cloud_region=region), 1.0) for region in ("eu", "us")]}
    )
    compiled = families.compiled("m.endpoint(['svc'], ['x'], Layer.L)")
    assert [entity.region for entity, _ in compiled.emission.targets] == ["eu", "us"]
    assert compiled.entity_rule.scope is Scope.ENDPOINT
    assert not compiled.labelled


def test_region_among_the_aggregated_labels_of_an_endpoint_is_no_label_of_its_values() -> None:
    families = Families({"m": [(labelled(x="e", cloud_region="eu"), 1.0)]})
    text = "m.sum(['svc', 'x', 'cloud_region']).endpoint(['svc'], ['x'], Layer.L)"
    assert not families.compiled(text).labelled


@pytest.mark.parametrize(
    ("text", "combine"),
    [
        ("m", Combine.SUM),
        ("m.downsampling(MAX)", Combine.MAXIMUM),
        ("m.downsampling(DownsamplingType.LATEST)", Combine.LATEST),
        ("m.downsampling(SUM_PER_MIN)", Combine.SUM),
        ("m.max(['svc'])", Combine.MAXIMUM),
        ("m / n", Combine.AVERAGE),
        ("m + n", Combine.SUM),
        ("-m.max(['svc'])", Combine.MINIMUM),
        ("100 - m.max(['svc'])", Combine.MINIMUM),
        ("m.min(['svc']) * -2", Combine.MAXIMUM),
        ("1 / m.max(['svc'])", Combine.MINIMUM),
        ("m.max(['svc']) - 100", Combine.MAXIMUM),
    ],
)
def test_how_minutes_combine(text: str, combine: Combine) -> None:
    assert Families(FAMILIES, Combine.SUM).compiled(f"({text}){END}").combine is combine


@pytest.mark.parametrize(
    ("text", "combine"),
    [
        ("m", Combine.AVERAGE),
        ("m.sum(['svc'])", Combine.AVERAGE),
        ("m.max(['svc']) + n.max(['svc'])", Combine.AVERAGE),
        ("count(m, ['svc', 'part'])", Combine.AVERAGE),
        ("m.sum(['svc']).downsampling(SUM)", Combine.SUM),
        ("m.sum(['svc', 'le']).histogram()", Combine.SUM),
    ],
)
def test_minutes_of_what_is_not_cloudwatchs_average(text: str, combine: Combine) -> None:
    families = Families(FAMILIES, Combine.AVERAGE, plain=True)
    assert families.compiled(f"({text}){END}").combine is combine


def test_a_closure_that_fails_costs_its_series_only() -> None:
    families = Families({"m": [(labelled(a="1"), 1.0), (labelled(), 2.0)]}, Combine.SUM)
    assert families.evaluate("m.tag({t -> t.n = t.a})" + END) == {("s",): 1.0}
    assert len(families.faults) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m", "no entity"),
        ("1 + 2", "names no sample family"),
        ("m.nonsense(['a'])" + END, "no function nonsense"),
        ("m.sum()" + END, "list of label names"),
        ("m.sum('a')" + END, "list of label names"),
        ("m.tagEqual('a')" + END, "pairs"),
        ("m.tagEqual(null, 'a')" + END, "pairs"),
        ("m.tagEqual(['a'], 'b')" + END, "strings"),
        ("m.tagMatch('a', '(')" + END, "not a regular expression"),
        ("m.tag('a')" + END, "closure"),
        ("m.downsampling(MEAN)" + END, "one of AVG"),
        ("m.downsampling('SUM')" + END, "one of AVG"),
        ("m.service('svc', Layer.L)", "Layer.NAME"),
        ("m.service(['svc'])", "Layer.NAME"),
        ("m.endpoint(['svc'], Layer.L)", "service label"),
        ("m.endpoint(['svc'], ['x'], 'L')", "Layer.NAME"),
        ("(1 + 2).sum(['a'])" + END, "on a number"),
        ("m * (1 / 0)" + END, "division by zero"),
    ],
)
def test_rules_that_cannot_work_are_refused_with_a_place(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        Families(FAMILIES).compiled(text)
    assert caught.value.line == 1
    assert caught.value.column >= 1


def test_names_of_metrics_do_not_keep_families_apart() -> None:
    families = {
        "p": [(labelled(a="1", MetricName="P"), 6.0)],
        "q": [(labelled(a="1", MetricName="Q"), 2.0)],
    }
    assert Families(families).evaluate("(p / q)" + END) == {("s",): 3.0}


def test_long_names_are_cut_and_stay_different() -> None:
    names = ["t" * 300 + "1", "t" * 300 + "2", "t" * 255]
    families = Families({"m": [(labelled(x=name), 1.0) for name in names]}, Combine.SUM)
    result = families.evaluate("m.endpoint(['svc'], ['x'], Layer.L)")
    assert len(result) == 3
    assert all(len(endpoint) <= 255 for _, endpoint in result)
    assert ("s", "t" * 255) in result
