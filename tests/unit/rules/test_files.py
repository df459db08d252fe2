"""Rule files: what loads, and what every broken file is told."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog import load_statistic_catalog
from app.errors import RuleError
from app.mal import ast
from app.rules import RuleEngine, load_rule_directory, load_rule_file, read_rule_directory
from app.rules.files import MAX_FILE_BYTES, MOST_ERRORS, parse_rule_file
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


def texts(expression: ast.Expression) -> str:
    """An expression as it would be written."""
    match expression:
        case ast.Metric(name):
            return name
        case ast.Number(value):
            return f"{value:g}"
        case ast.MethodCall(receiver, method, arguments):
            return f"{texts(receiver)}.{method}({', '.join(map(argument_text, arguments))})"
        case ast.FunctionCall(name, arguments):
            return f"{name}({', '.join(map(argument_text, arguments))})"
        case ast.Binary(operator, left, right):
            return f"({texts(left)} {operator} {texts(right)})"
        case ast.Negate(operand):
            return f"-{texts(operand)}"


def argument_text(argument: ast.Argument) -> str:
    match argument:
        case ast.StringList(values):
            return repr(list(values))
        case ast.String(value):
            return repr(value)
        case ast.EnumRef(enum, name):
            return f"{enum}.{name}"
        case ast.NumberList(values):
            return repr(list(values))
        case ast.Constant() | ast.Closure():
            return type(argument).__name__
    return texts(argument)


@pytest.mark.parametrize(
    ("exp", "composed"),
    [
        ("m", "m.P().S()"),
        ("m / 2", "(m.P() / 2).S()"),
        ("-m - n", "(-m.P() - n.P()).S()"),
        ("a.sum(['x']).safeDiv(b.sum(['x']))", "a.P().sum(['x']).safeDiv(b.P().sum(['x'])).S()"),
        ("a.safeDiv((b + -c) * 2)", "a.P().safeDiv(((b.P() + -c.P()) * 2)).S()"),
        ("count(m, ['x'])", "count(m.P(), ['x']).S()"),
        ("time() - m", "(time() - m.P()).S()"),
        *(
            (f"m.downsampling({name})", f"m.P().downsampling({name}).S()")
            for name in ("AVG", "SUM", "LATEST", "SUM_PER_MIN", "MAX", "MIN")
        ),
        # Only alone are these names no metrics.
        ("SUM.f(MAX + 1)", "SUM.P().f((MAX.P() + 1)).S()"),
    ],
)
def test_prefix_and_suffix(exp: str, composed: str) -> None:
    head = "metricPrefix: p\nexpPrefix: P()\nexpSuffix: S()\n"
    text = f'{head}metricsRules: [{{name: n, exp: "{exp}"}}]'
    (rule,) = parse_rule_file(text, "t.yaml").rules
    assert texts(rule.expression) == composed


def test_a_file_of_skywalking_loads_whole() -> None:
    text = """
metricPrefix: meter_x
initExp: SomeGroovy.of(the, past)
filter: |
  { tags -> tags.job_name == 'x' }
expPrefix:
expSuffix: ""
layerDefinitions:
  - {name: MY_LAYER, ordinal: 10001}
  - name: OTHER2
    ordinal: 10002
    normal: false
metricsRules:
  - name: a
    exp: |
      m.sum(['x'])
        .service(['x'], Layer.MY_LAYER)
  - {name: 4xx, exp: "m.service(['x'], Layer.OTHER2)"}
"""
    file = parse_rule_file(text, "t.yaml")
    assert [rule.name for rule in file.rules] == ["meter_x_a", "meter_x_4xx"]
    assert [(layer.name, layer.ordinal, layer.normal) for layer in file.layers] == [
        ("MY_LAYER", 10001, True),
        ("OTHER2", 10002, False),
    ]
    assert file.filter is not None


def test_a_file_of_zabbix_loads() -> None:
    text = """
metricPrefix: meter_vm
expSuffix: service(['host'], Layer.OS_LINUX)
entities:
  hostPatterns: [.+]
  labels:
    - {name: host, fromItem: agent.hostname}
requiredZabbixItemKeys:
  - system.cpu.load[all,avg1]
metrics:
  - name: cpu
    exp: system_cpu_load.avg(['host'])
"""
    assert [rule.name for rule in parse_rule_file(text, "agent.yaml").rules] == ["meter_vm_cpu"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("{name: lower, ordinal: 1}", "'lower' is not a layer"),
        ("{name: 9A, ordinal: 1}", "'9A' is not a layer"),
        ("{name: A}", "ordinal is missing"),
        ("{name: A, ordinal: many}", "'many' is not the ordinal"),
        ("{name: A, ordinal: -1}", "'-1' is not the ordinal"),
        ("{name: A, ordinal: 1, normal: maybe}", "true or false"),
        ("{name: A, ordinal: 1, colour: red}", "unknown key 'colour'"),
        ("{name: A, ordinal: 1}, {name: A, ordinal: 2}", "layer A is also defined"),
        ("{name: A, ordinal: 1}, {name: B, ordinal: 1}", "layer 1 is also defined"),
    ],
)
def test_layers_are_checked(layers: str, message: str) -> None:
    text = f"metricPrefix: p\nlayerDefinitions: [{layers}]\nmetricsRules: []"
    with pytest.raises(RuleError, match=message) as caught:
        parse_rule_file(text, "t.yaml")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("metricPrefix: p\nmetricsRules: x", 2, 15, "is a list"),
        ("metricPrefix: p\nmetricsRules: [x]", 2, 16, "a mapping with the keys"),
        ("metricPrefix: p\nmetricsRules: []\nmetrics: []", 3, 10, "give one"),
        ("metricPrefix: p\n---\nmetricPrefix: q", 2, 1, "a second document"),
        ("[a]: b", 1, 1, "a key is a text"),
        ("a: 'b", 1, 6, "not valid YAML"),
        ("a: \x01", 1, 1, "not valid YAML"),
        ("a: *b", 1, 4, "not valid YAML"),
        ("a: " + "[" * 500_000, 1, 23, "nested more than 20"),
        ("- " * 30 + "a", 1, 41, "nested more than 20"),
        ("a: &a [*a]", 1, 1, "unknown key 'a'"),
        ("metricPrefix: p\nmetricsRules: &a [*a]", 2, 15, "a mapping with the keys"),
    ],
)
def test_broken_yaml(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        parse_rule_file(text, "t.yaml")
    assert (caught.value.line, caught.value.column) == (line, column)


def test_aliases_are_not_copied() -> None:
    bomb = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 15))
    text = f"metricPrefix: p\nentities:\n  a0: &a0 [lol]\n{bomb}metricsRules: *a14"
    with pytest.raises(RuleError, match="a mapping with the keys"):
        parse_rule_file(text, "t.yaml")


def test_an_alias_is_what_it_names() -> None:
    text = "metricPrefix: &p p\nmetricsRules: [{name: *p, exp: m}]"
    assert parse_rule_file(text, "t.yaml").rules[0].name == "p_p"


def test_a_prefix_cannot_multiply_without_bound() -> None:
    prefix = ".".join(["f()"] * 150)
    text = f"metricPrefix: p\nexpPrefix: {prefix}\nmetricsRules:\n- {{name: n, exp: '{{}}'}}"
    with pytest.raises(RuleError, match="more than 10000 calls"):
        parse_rule_file(text.replace("{}", f"a.f({','.join(['m'] * 100)})"), "t.yaml")
    with pytest.raises(RuleError, match="more than 200 levels"):
        parse_rule_file(text.replace("{}", "m" + ".f()" * 100), "t.yaml")


FAULT = "!"


@pytest.mark.parametrize(
    ("exp", "line", "column"),
    [
        ("exp: m + !", 1, 10),
        ("exp: m +\n  n\n\n  + !", 4, 5),
        ("exp: 'm + !'", 1, 11),
        ("exp: 'm.f(''x'') + !'", 1, 20),
        ("exp: 'm\n  + !'", 2, 5),
        ('exp: "m + !"', 1, 11),
        ('exp: "m.f(\\"x\\") + !"', 1, 20),
        ('exp: "m\\n+\\x20!"', 1, 15),
        ('exp: "m.f(\\u0022x\\u0022) +\\\n     !"', 2, 6),
        ('exp: "m\n\n   + !"', 3, 6),
        ("exp: |\n  m\n  + !", 3, 5),
        ("exp: |-2\n    m\n    + !", 3, 7),
        ("exp: |\n\n  m\n\n    + !", 5, 7),
        ("exp: >\n  m\n  + !", 3, 5),
        ("exp: > # m + !\n  m\n\n    + !\n", 4, 7),
        ("exp: !!str m + !", 1, 16),
        ("exp: &anchor m + !", 1, 18),
    ],
)
def test_faults_are_found_in_scalars_of_every_style(exp: str, line: int, column: int) -> None:
    indented = exp.replace("\n", "\n    ")
    text = f"metricPrefix: p\nmetricsRules:\n  - name: n\n    {indented}\n"
    with pytest.raises(RuleError, match="'!'") as caught:
        parse_rule_file(text, "t.yaml")
    assert (caught.value.line, caught.value.column) == (line + 3, column + 4)
    source, caret = str(caught.value).splitlines()[1:]
    assert source[len(caret) - 1] == FAULT


def test_all_errors_of_all_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "good.yaml").write_text("metricPrefix: p\nmetricsRules: [{name: n, exp: m}]")
    (tmp_path / "good.test.yaml").write_text("not a rule file")
    (tmp_path / "sub" / "good.test.yml").write_text("not a rule file")
    (tmp_path / "notes.txt").write_text("not a rule file")
    (tmp_path / "sub" / "bad.yml").write_text(
        "metricPrefix: p\n"
        "filter: '{ t -> '\n"
        "colour: red\n"
        "expSuffix: sum(\n"
        "metricsRules:\n"
        "  - {name: a, exp: m +}\n"
        "  - {name: b, exp: m}\n"
        "  - {name: c, unit: x}\n"
    )
    (tmp_path / "torn.yaml").write_text("a: [")
    files, errors = read_rule_directory(tmp_path)
    assert [file.path for file in files] == ["good.yaml"]
    assert [(error.file, error.line) for error in errors] == [
        ("sub/bad.yml", 2),
        ("sub/bad.yml", 3),
        ("sub/bad.yml", 4),
        ("sub/bad.yml", 6),
        ("sub/bad.yml", 8),
        ("torn.yaml", 1),
    ]
    assert all(error.source for error in errors)
    with pytest.raises(RuleError, match=r"bad\.yml:2"):
        load_rule_directory(tmp_path)


def test_errors_without_end_are_cut_short(tmp_path: Path) -> None:
    rules = "  -\n" * 200_000
    (tmp_path / "bad.yaml").write_text(f"metricPrefix: p\nmetricsRules:\n{rules}")
    _, errors = read_rule_directory(tmp_path)
    assert len(errors) == MOST_ERRORS + 1
    assert "more than 100 errors" in str(errors[-1])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_reading_raises_nothing_but_rule_errors(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 8))
        pieces = ["\n", "  ", ": ", "- ", "&a ", "*a", "|", ">", "'", '"', "[", "{", "!", "#", "\t"]
        piece = data.draw(st.one_of(st.sampled_from(pieces), st.text(max_size=4)))
        text = text[:start] + piece + text[end:]
    with contextlib.suppress(RuleError):
        parse_rule_file(text, "t.yaml")


def test_the_shipped_rules_load_and_say_what_they_are() -> None:
    engine = RuleEngine(load_rule_directory(DEFAULT_RULES), load_statistic_catalog())
    assert len(engine.definitions) > 50
    for definition in engine.definitions.values():
        assert definition.unit, definition.name
        assert definition.description, definition.name
        assert definition.layer.startswith("AWS_")
