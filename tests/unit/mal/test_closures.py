"""Closures over labels and entities, table by table."""

import pytest

from app.errors import RuleError
from app.mal import Entity, Scope, parse_closure
from app.mal.closures import (
    ClosureError,
    decoration,
    element_mapping,
    label_filter,
    label_mapping,
    property_extractor,
)

LABELS = {"a": "x", "b": "y", "empty": "", "list": "p,q,,", "path": "/v1/orders/17"}


def tagged(body: str) -> dict[str, str]:
    """What a closure of ``tag`` adds or changes."""
    result = label_mapping(parse_closure(f"{{ t -> {body} }}"))(LABELS)
    return {name: value for name, value in result.items() if LABELS.get(name) != value}


def value_of(term: str) -> str:
    return tagged(f"t.n = {term}")["n"]


@pytest.mark.parametrize(
    ("closure", "passes"),
    [
        ("{ t -> t.a == 'x' }", True),
        ("{ t -> t.a != 'x' }", False),
        ("{ t -> t.missing == null }", True),
        ("{ t -> null == t.missing }", True),
        ("{ t -> t.missing != 'x' }", True),
        ("{ t -> t.missing }", False),
        ("{ t -> t.empty }", False),
        ("{ t -> !t.empty && t.a }", True),
        ("{ t -> t.a == 'z' || t.b == 'y' }", True),
        ("{ t -> !t.a == 'z' }", True),
        ("{ t -> t.a in ['z', 'x'] }", True),
        ("{ t -> t.a in [] }", False),
        ("{ t -> t.missing in ['z'] }", False),
        ("{ t -> {t.a == 'x' && (t.b == 'q' || t.b == 'y')} }", True),
        ("{ t -> t['a'] == 'x' }", True),
        ("{ it.a == 'x' }", True),
        ("{ t -> true }", True),
        ("{ t -> 0 }", False),
        ("{ t -> 1 }", True),
        ("{ t -> t.list.split(',').size() > 1 }", True),
        ("{ t -> t.list.split(',').length >= 3 }", False),
        ("{ t -> t.list.length() <= 5 && t.a.length() < 2 }", True),
        ("{ t -> t.empty.split(',') }", True),
        ("{ t -> t.a.startsWith('x') }", True),
        ("{ t -> !t.path.contains('orders') }", False),
        ("{ t -> t.path =~ /v\\d+/ }", True),
        ("{ t -> t.path =~ /^orders/ }", False),
        ("{ t -> t.a == 'x' ? t.missing : true }", False),
        ("{ t -> t.missing ?: t.b }", True),
        ("{ t -> t.missing ?: t.b == 'y' }", True),
        ("{ t -> if (t.a == 'x') { return false } return true }", False),
        ("{ t -> if (t.a == 'x') { return t.b == 'y' } }", True),
        ("{ t -> String c = t.a\n return c == 'x' }", True),
        # Statements answer by return alone.
        ("{ t -> String c = t.a\n c == 'x' }", False),
        ("{ t -> if (true) { true } }", False),
        ("{ t -> t.a = 'changed' }", False),
        ("{ t -> t.a = 'changed'; return t.a == 'changed' }", True),
        ("{ t -> t.remove('a') == 'x' }", True),
        ("{ t -> }", False),
    ],
)
def test_filters(closure: str, passes: bool) -> None:
    before = dict(LABELS)
    assert label_filter(parse_closure(closure))(LABELS) is passes
    assert before == LABELS


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("t.n = 'p::' + t.a", {"n": "p::x"}),
        ("t.n = 'p::' + t.missing", {"n": "p::null"}),
        ("t.n = t.missing + '::' + t.a + 1 + 2", {"n": "null::x12"}),
        ("t.n = t.missing + t.missing", {"n": "nullnull"}),
        ("t.n = 'a' + true + null + 1 + 1.0 + 1.50", {"n": "atruenull11.01.5"}),
        ("t.n = 'a' + 12345678.0 + ' ' + 0.0001", {"n": "a1.2345678E7 1.0E-4"}),
        ("t.n = t.a ? 'yes' : 'no'", {"n": "yes"}),
        # A ternary tests for null only: an empty text takes the first branch.
        ("t.n = t.empty ? 'yes' : 'no'", {"n": "yes"}),
        ("t.n = t.missing ? 'yes' : 'no'", {"n": "no"}),
        ("t.n = t.a.isEmpty() ? 'yes' : 'no'", {"n": "no"}),
        ("t.n = t.a == 'x' ? 'yes' : 'no'", {"n": "yes"}),
        ("t.n = t.a + 'x' == 'xx' ? 'yes' : 'no'", {"n": "yes"}),
        ("t.n = t.a != t.b ? 'yes' : 'no'", {"n": "yes"}),
        ("t.n = t.list.length() >= 5 ? 'yes' : 'no'", {"n": "yes"}),
        ("t.n = t.empty ?: 'fallback'", {"n": "fallback"}),
        ("t.n = t.a ?: 'fallback'", {"n": "x"}),
        ("t.n = t.missing ?: t.empty ?: 'fallback'", {"n": "fallback"}),
        ("if (t.a == 'x') { t.n = '1' } else { t.n = '2' }", {"n": "1"}),
        ("if (t.a == 'q') { t.n = '1' } else if (t.b == 'y') { t.n = '2' }", {"n": "2"}),
        ("if (t.a == 'q') { t.n = '1' } else if (t.missing) { t.n = '2' } else { t.n = '3' }",
         {"n": "3"}),
        ("if (t.a) { return t } t.n = '1'", {}),
        ("t.n = 1 + 2", {"n": "3"}),
        ("t.n = 1 - 2 * 3", {"n": "-5"}),
        ("t.n = 7 / 2", {"n": "3"}),
        ("t.n = -7 / 2", {"n": "-3"}),
        ("t.n = 7.0 / 2", {"n": "3.5"}),
        ("t.n = 24 / 2 * 3", {"n": "4"}),
        ("t.n = 10 - 2 + 3", {"n": "5"}),
        ("t.n = 1.0 / 0", {"n": "Infinity"}),
        ("t['a b'] = 'c'", {"a b": "c"}),
        ("t[t.a + 'z'] = 'c'", {"xz": "c"}),
        ("t.a.b.n = 'c'", {"n": "c"}),
        ("t.n = 'a'; t.n = t.n + 'b'; return t", {"n": "ab"}),
        ("def c = 'a'\n c = c + 'b'\n t.n = c", {"n": "ab"}),
        ("String c = t.a; t.n = c", {"n": "x"}),
        ("String[] c = t.list.split(','); t.n = c[1] + c.length + c.size()", {"n": "q22"}),
        ("c = 'a'; if (t.a) { c = 'b' } t.n = c", {"n": "b"}),
        ("def m = t.path =~ /v(\\d)\\/(\\w+)/; t.n = m ? m[0][2] + m[0][1] : 'none'",
         {"n": "orders1"}),
        ("def m = t.missing =~ /x/; t.n = m ? m[0][0] : 'none'", {"n": "none"}),
        ("def m = t.path =~ /(x)?v/; t.n = 'g' + m[0][1]", {"n": "gnull"}),
        ("t.n = t.remove('a')", {"n": "x"}),
        ("t.put('n', 'z')", {"n": "z"}),
        ("def m = ['k': t.a]; m.l = t.b; t.n = m.k + m['l'] + m.size()", {"n": "xy2"}),
        ("return ['only': t.a]", {"only": "x"}),
        ("t.n = 'at ${t.a} and ${t.b.length()}'", {"n": "at x and 1"}),
        ('t.n = "${t.missing}"', {"n": "null"}),
        ('t.n = "${t.missing?.trim()}!"', {"n": "null!"}),
        ("t.n = t.a == 'x'", {"n": "true"}),
        ("t.n = t.missing?.trim() ?: 'none'", {"n": "none"}),
        ("t.n = t.missing?.trim()?.length() ?: 'none'", {"n": "none"}),
        ("t.n = (t.a + t.b).toUpperCase()", {"n": "XY"}),
        ("t.n = ' x '.trim()", {"n": "x"}),
        ("t.n = t.containsKey('a')", {"n": "true"}),
    ],
)  # fmt: skip
def test_tag(body: str, changed: dict[str, str]) -> None:
    before = dict(LABELS)
    assert tagged(body) == changed
    assert before == LABELS


def test_a_removed_label_is_gone() -> None:
    assert label_mapping(parse_closure("{ t -> t.remove('a') }"))({"a": "x", "b": "y"}) == {
        "b": "y"
    }


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("' a '.trim()", "a"),
        ("'\\u2003a'.strip()", "\\u2003a"),
        ("t.list.split(',').size()", "2"),
        ("t.list.split(',', -1).size()", "4"),
        ("t.list.split(',', 2)[1]", "q,,"),
        ("'abc'.split('').size()", "3"),
        ("'a1b22c'.split(/\\d+/)[2]", "c"),
        ("'a.b'.replace('.', '$1')", "a$1b"),
        ("t.path.replaceAll('/(\\d+)', '/{$1}')", "/v1/orders/{17}"),
        ("t.path.replaceAll(/[^\\/]/, '')", "///"),
        ("t.path.replaceFirst('/', '\\\\$')", "$v1/orders/17"),
        ("'abc'.substring(1)", "bc"),
        ("'abc'.substring(1, 2)", "b"),
        ("'abc'.startsWith('ab')", "true"),
        ("'abc'.startsWith('b', 1)", "true"),
        ("'abc'.endsWith('bc')", "true"),
        ("'abc'.contains('b')", "true"),
        ("'aBc'.toLowerCase() + 'aBc'.toUpperCase()", "abcABC"),
        ("'abcb'.indexOf('b')", "1"),
        ("'abcb'.indexOf('b', 2)", "3"),
        ("'abc'.indexOf('z')", "-1"),
        ("'abcb'.lastIndexOf('b')", "3"),
        ("'abcb'.lastIndexOf('b', 2)", "1"),
        ("'abc'.length()", "3"),
        ("''.isEmpty()", "true"),
        ("' '.isBlank()", "true"),
        ("' a'.strip() + ' a'.stripLeading() + 'a '.stripTrailing()", "aaa"),
        ("'a'.equals('a')", "true"),
        ("'a'.equals(t.missing)", "false"),
        ("'a'.equalsIgnoreCase('A')", "true"),
        ("'a'.concat('b')", "ab"),
        ("'abc'.charAt(1)", "b"),
        ("'abc'.matches('a.c')", "true"),
        ("'abc'.matches('b')", "false"),
        ("'ab'.repeat(2)", "abab"),
        ("'a'.compareTo('c')", "-2"),
        ("'abc'.compareTo('ab')", "1"),
        ("'A'.compareToIgnoreCase('a')", "0"),
        ("'abc'.hashCode()", "96354"),
        ("'polygenelubricants'.hashCode()", "-2147483648"),
        ("'a'.toString() + 1.toString()", None),
        ("(1).toString()", "1"),
        ("t.getOrDefault('missing', 'd')", "d"),
        ("t.get('a')", "x"),
        ("t.isEmpty()", "false"),
        ("t.size()", "5"),
    ],
)
def test_methods(term: str, value: str | None) -> None:
    assert value_of(term) == ("a1" if value is None else value)


@pytest.mark.parametrize(
    ("body", "column", "message"),
    [
        ("t.n = t.missing", 8, "label n would become null"),
        ("t.n = t.missing.trim()", 24, r"called on null; write \?\.trim"),
        ("t.n = t.missing.x", 24, r"read from null; write \?\.x"),
        ("t.n = t.a.x", 18, "read from a text"),
        ("t.n = t.a[0]", 18, "read from a text"),
        ("t.n = t.list.split(',')[2]", 32, "element 2 of an array of 2"),
        ("t.n = t.list.split(',')[-1]", 32, "element -1 of an array of 2"),
        ("t.n = t", 8, "a map has no text"),
        ("t.n = 'a' + t", 18, "a map has no text"),
        ("t.n = t.list.split(',')", 8, "an array has no text"),
        ("t.n = t.a > 1", 18, "compares numbers, not a text with a number"),
        ("t.n = t.a * 2", 18, "between numbers, not between a text and a number"),
        ("t.n = 1 / 0", 16, "division by zero"),
        ("t.n = -t.a", 14, "between numbers"),
        ("t.n = t.a.substring(2)", 18, "of a text of 1 characters"),
        ("t.n = t.a.charAt(1)", 18, "of a text of 1 characters"),
        ("t.n = t.a.substring('1')", 18, "argument 1 is a text, not an integer"),
        ("t.n = t.a.concat(t.missing)", 18, "argument 1 is null, not a text"),
        ("t.n = t.list.split(',').trim()", 32, "an array has no method trim"),
        ("t.n = t.a.repeat(-1)", 18, "negative"),
        ("t.n = t.a.matches(t.list + '(')", 18, "is not a regular expression"),
        ("t.n = t.a.replaceAll('x', '$2')", 18, "no such group"),
        ("t.n = ['k': t]", 15, "a map holds texts"),
        ("t.put('n', t.missing)", 10, "would become null"),
        ("u = 'x'\n u.n = 'y'", 2, "u is a text; it holds no labels"),
        ("t = 'x'", 1, "something else than labels"),
        ("return t.a ? ['k': null] : t", 1, "label k would become null"),
    ],
)
def test_failures_of_one_series_say_where(body: str, column: int, message: str) -> None:
    mapping = label_mapping(parse_closure(f"{{ t -> {body} }}"))
    with pytest.raises(ClosureError, match=message) as caught:
        mapping(LABELS)
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("body", "column", "message"),
    [
        ("t.n = u.a", 14, "u is not defined"),
        ("u.n = 'x'", 8, "u is not defined"),
        ("if (t.a) { t.b = !u.a ? 'x' : t['b'] }", 26, "u is not defined"),
        ("if (t.a) { def c = 'x' } t.n = c", 39, "c is not defined"),
        ("t.n = 'at ${u.a}'", 14, "u is not defined"),
        ("t.n = t.a.shout()", 18, "no method shout"),
        ("t.n = t.a.trim('x')", 18, "trim takes 0 arguments, not 1"),
        ("t.n = t.a.indexOf()", 18, "indexOf takes 1 or 2 arguments, not 0"),
        ("t.n = t.a.replaceAll('(', '')", 29, "is not a regular expression"),
        ("t.n = t.a =~ /(/", 18, "is not a regular expression"),
        ("return", 8, "return needs a value"),
        ("return;", 8, "return needs a value"),
        ("return 'x'", 8, "gives back the labels"),
        ("return t.a", 8, "gives back the labels"),
        ("t.n = Foo.bar()", 14, "Foo is not defined"),
        ("t.n = ProcessRegistry.kill('x')", 30, "has no method kill"),
        ("t.n = ProcessRegistry.generateVirtualProcess('x')", 30, "takes 3 arguments, not 1"),
        ("t.n = ProcessRegistry", 14, "ProcessRegistry is not defined"),
        ("def ProcessRegistry = t", 12, "is a class"),
    ],
)
def test_faults_are_found_at_load(body: str, column: int, message: str) -> None:
    closure = parse_closure(f"{{ t -> {body} }}")
    with pytest.raises(RuleError, match=message) as caught:
        label_mapping(closure)
    assert caught.value.column == column
    assert not isinstance(caught.value, ClosureError)


def test_failures_stand_in_their_line() -> None:
    with pytest.raises(ClosureError) as caught:
        label_mapping(parse_closure("{ t ->\n  t.n = t.missing }"))(LABELS)
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_each_closure_has_its_parameters() -> None:
    two = parse_closure("{ a, b -> b.x = 'y' }")
    for make in (label_mapping, label_filter, property_extractor, decoration):
        with pytest.raises(RuleError, match="one parameter"):
            make(two)
    with pytest.raises(RuleError, match="two parameters"):
        element_mapping(parse_closure("{ a -> a.x = 'y' }"), ["e"])
    with pytest.raises(RuleError, match="two parameters of one name"):
        element_mapping(parse_closure("{ a, a -> a.x = 'y' }"), ["e"])


def test_for_each_runs_in_order_on_the_same_labels() -> None:
    closure = parse_closure(
        """{ element, tags ->
            if (element == 'skip') { return }
            tags.seen = (tags.seen ?: '') + element
            tags[element + '_id'] = tags.a
            if (element == 'two') { return; }
            tags.last = element }"""
    )
    mapping = element_mapping(closure, ["one", "skip", "two"])
    assert mapping({"a": "x"}) == {
        "a": "x",
        "seen": "onetwo",
        "one_id": "x",
        "two_id": "x",
        "last": "one",
    }


def test_for_each_is_bounded() -> None:
    closure = parse_closure("{ e, t -> " + "t.x = e; " * 1_000 + "}")
    with pytest.raises(RuleError, match="steps for 1000 elements"):
        element_mapping(closure, ["e"] * 1_000)


class Processes:
    """A registry that says what it was asked."""

    def generate_virtual_local_process(self, service: str, instance: str) -> str:
        return f"local {service} {instance}"

    def generate_virtual_remote_process(
        self, service: str, instance: str, remote_address: str
    ) -> str:
        return f"remote {service} {instance} {remote_address}"

    def generate_virtual_process(self, service: str, instance: str, process_name: str) -> str:
        return f"process {service} {instance} {process_name}"


@pytest.mark.parametrize(
    ("call", "process"),
    [
        ("generateVirtualLocalProcess(t.a, t.b)", "local x y"),
        ("generateVirtualRemoteProcess(t.a, t.b, '10.0.0.1')", "remote x y 10.0.0.1"),
        ("generateVirtualProcess(t.a, t.b, 'p')", "process x y p"),
    ],
)
def test_processes_come_from_the_registry(call: str, process: str) -> None:
    closure = parse_closure(f"{{ t -> t.n = ProcessRegistry.{call} }}")
    assert label_mapping(closure, Processes())(LABELS)["n"] == process
    each = parse_closure(f"{{ e, t -> t[e] = ProcessRegistry.{call} }}")
    assert element_mapping(each, ["n"], Processes())(LABELS)["n"] == process
    without = label_mapping(closure)
    with pytest.raises(ClosureError, match="not configured") as caught:
        without(LABELS)
    assert caught.value.column == 30


@pytest.mark.parametrize(
    ("closure", "properties"),
    [
        ("{ t -> ['k': t.a, 'missing': t.missing, 'n': 1] }", {"k": "x", "n": "1"}),
        ("{ t -> return ['k': t.a] }", {"k": "x"}),
        ("{ t -> t.remove('list'); t.remove('path'); t.n = t.a }",
         {"a": "x", "b": "y", "empty": "", "n": "x"}),
        ("{ t -> def m = ['k': t.a]\n return m }", {"k": "x"}),
    ],
)  # fmt: skip
def test_properties(closure: str, properties: dict[str, str]) -> None:
    assert property_extractor(parse_closure(closure))(LABELS) == properties


SERVICE = Entity(Scope.SERVICE, "MYSQL", "mysql::orders")


@pytest.mark.parametrize(
    ("closure", "attributes"),
    [
        ("{ me -> me.attr0 = me.serviceName }", {"attr0": "mysql::orders"}),
        ("{ me -> me.attr0 = me.layer.name() }", {"attr0": "MYSQL"}),
        ("{ me -> me.attr1 = me.layer; me.attr0 = 'x' }", {"attr1": "MYSQL", "attr0": "x"}),
        ("{ me -> me.attr5 = me.serviceName.split('::')[1] }", {"attr5": "orders"}),
        ("{ me -> me.attr0 = me.endpointName }", {}),
        ("{ me -> me.attr0 = 'x'; me.attr1 = me.attr0 + me.attr2 }",
         {"attr0": "x", "attr1": "xnull"}),
        ("{ me -> if (me.instanceName) { return } me['attr0'] = 1; return; }", {"attr0": "1"}),
        ("{ me -> me.attr0 = me.scopeType.name() }", {"attr0": "SERVICE"}),
    ],
)  # fmt: skip
def test_decorate(closure: str, attributes: dict[str, str]) -> None:
    result = decoration(parse_closure(closure))(SERVICE)
    assert list(result.items()) == list(attributes.items())


def test_decorate_sees_every_part_of_an_entity() -> None:
    relation = Entity(
        Scope.PROCESS_RELATION,
        "OS_LINUX",
        "s",
        instance="i",
        process="p",
        dest_service="ds",
        dest_instance="di",
        dest_process="dp",
        detect_point="CLIENT",
        component=7,
    )
    closure = parse_closure(
        "{ me -> me.attr0 = me.sourceProcessId + me.destProcessId + me.detectPoint.name()"
        " + me.componentId + me.instanceName + me.destServiceName }"
    )
    assert decoration(closure)(relation) == {"attr0": "pdpCLIENT7ids"}


@pytest.mark.parametrize(
    ("closure", "message"),
    [
        ("{ me -> me.attr6 = 'x' }", "attr0 to attr5"),
        ("{ me -> me.serviceName = 'x' }", "attr0 to attr5"),
        ("{ me -> me[me.layer.name()] = 'x' }", "attr0 to attr5"),
        ("{ me -> me.attr0 = me.colour }", "an entity has no colour"),
        ("{ me -> me.attr0 = me.delete('x') }", "no method delete"),
        ("{ me -> me.attr0 = me.remove('x') }", "an entity has no method remove"),
    ],
)
def test_decorate_is_checked_at_load(closure: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        decoration(parse_closure(closure))


@pytest.mark.parametrize(
    "body",
    [
        "def x = 'aaaaaaaa'\n" + "x = x + x\n" * 40,
        "def x = 'aaaaaaaa'\n" + "x = x.replaceAll('a', 'aaaaaaaa')\n" * 40,
        "def x = 'aaaaaaaa'\n" + "x = x.replace('a', 'aaaaaaaa')\n" * 40,
        "def x = 'aaaaaaaa'\n" + "x = x.concat(x)\n" * 40,
        "def x = 'aaaaaaaa'\n" + "x = x.repeat(1000)\n" * 40,
        "def x = 'a'.repeat(2147483647)",
        "def x = 'a'.repeat(16000).split('')",
        "def x = 9\n" + "x = x * x\n" * 40,
        "def x = ('a'.repeat(60) + '!') =~ /^(a|aa)+$/",
    ],
)
def test_bombs_end_in_an_error(body: str) -> None:
    mapping = label_mapping(parse_closure(f"{{ t -> {body} }}"))
    with pytest.raises(ClosureError, match=r"grow|pieces|64 bits|longer than"):
        mapping(LABELS)


def test_what_is_almost_too_slow_everywhere_is_refused_soon() -> None:
    slow = "c = ('a'.repeat(24) + '!') =~ /^(a|aa)+$/\n" * 1_000
    mapping = label_mapping(parse_closure(f"{{ t -> {slow} }}"))
    with pytest.raises(ClosureError, match="not tried any more"):
        mapping(LABELS)
