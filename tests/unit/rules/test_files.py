"""Rule files: what loads, and what every broken file is told."""

from pathlib import Path

import pytest

from app.catalog import load_statistic_catalog
from app.errors import RuleError
from app.rules import RuleEngine, load_rule_directory, load_rule_file
from app.rules.files import MAX_FILE_BYTES, parse_rule_file
from app.settings import DEFAULT_RULES

GOOD = """
metricPrefix: p
expPrefix: tagEqual('a', 'b')
expSuffix: service(['svc'], Layer.L)
metricsRules:
  - name: one
    exp: m / n
  - name: two
    exp: "m.downsampling(SUM)"
    unit: units
    description: A description.
"""


def load(text: str) -> RuleEngine:
    return RuleEngine([parse_rule_file(text, "test.yaml")], load_statistic_catalog())


def test_a_file_defines_metrics() -> None:
    definitions = load(GOOD).definitions
    assert list(definitions) == ["p_one", "p_two"]
    two = definitions["p_two"]
    assert (two.unit, two.description) == ("units", "A description.")
    assert (two.layer, two.combine, two.place) == ("L", "sum", "test.yaml:8")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("metricPrefix: p", "metricPrefix: ''", 2, "metricPrefix is empty"),
        ("metricPrefix: p", "metricPrefix: [p]", 2, "metricPrefix is a text"),
        ("metricPrefix: p\n", "", 2, "metricPrefix is missing"),
        ("expPrefix:", "exprPrefix:", 3, "unknown key 'exprPrefix'"),
        ("expPrefix: tagEqual('a', 'b')", "metricPrefix: q", 3, "metricPrefix is given twice"),
        ("tagEqual('a', 'b')", "tagEqual('a' 'b')", 3, "'b'\" is not expected"),
        ("tagEqual('a', 'b')", "tagEqual('a')", 3, "pairs"),
        ("service(['svc'], Layer.L)", "service(['svc'])", 4, "Layer.NAME"),
        (GOOD, "metricPrefix: p", 1, "a list of rules, is missing"),
        ("  - name: one\n", "  - nam: one\n", 6, "unknown key 'nam'"),
        ("    exp: m / n\n", "", 6, "exp is missing"),
        ("m / n", "m / ", 7, "ends too early"),
        ("m / n", "m / n.nonsense(['a'])", 7, "no function nonsense"),
        ('"m.downsampling(SUM)"', '"m.downsampling(MEAN)"', 9, "one of AVG"),
        ("  - name: two", "  - name: one", 8, "already defined at test.yaml:6"),
        ("metricPrefix: p", "metricPrefix: p\nfilter: '{ t -> '", 3, "ends too early"),
        ("metricPrefix: p", "metricPrefix: *p", 2, "not valid YAML"),
        ("name: one", "name: a-b c/d", 6, "is not a metric name"),
        ("metricPrefix: p", "metricPrefix: 4p", 6, "is not a metric name"),
        (GOOD, "- a", 1, "a mapping with the keys"),
        (GOOD, "", 1, "a mapping with the keys"),
    ],
)
def test_broken_files_say_what_and_where(old: str, new: str, line: int, message: str) -> None:
    broken = GOOD.replace(old, new, 1)
    assert broken != GOOD
    with pytest.raises(RuleError, match=message) as caught:
        load(broken)
    assert caught.value.file == "test.yaml"
    assert caught.value.line == line
    assert "test.yaml:" in str(caught.value)


def test_the_caret_points_into_the_line() -> None:
    with pytest.raises(RuleError) as caught:
        load(GOOD.replace("m / n", "m / n +"))
    place, source, caret = str(caught.value).splitlines()
    assert place == "test.yaml:7:17: the text ends too early"
    assert source == "        exp: m / n +"
    assert len(caret) == len(source) + 1


def test_several_rules_may_feed_one_metric_of_one_shape() -> None:
    text = GOOD.replace("name: two", "name: one").replace(".downsampling(SUM)", " / n")
    assert list(load(text).definitions) == ["p_one"]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(RuleError, match="larger than"):
        load_rule_file(path, "large.yaml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RuleError, match="cannot be read"):
        load_rule_file(path, "binary.yaml")


def test_a_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="does not exist"):
        load_rule_directory(tmp_path / "none")


def test_the_shipped_rules_load_and_say_what_they_are() -> None:
    engine = RuleEngine(load_rule_directory(DEFAULT_RULES), load_statistic_catalog())
    assert len(engine.definitions) > 50
    for definition in engine.definitions.values():
        assert definition.unit, definition.name
        assert definition.description, definition.name
        assert definition.layer.startswith("AWS_")
