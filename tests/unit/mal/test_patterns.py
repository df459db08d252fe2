"""Regular expressions as Java has them, and their bounds."""

import time

import pytest

from app.errors import RuleError
from app.mal import ast
from app.mal.matching import tag_filter
from app.mal.patterns import LONGEST_PATTERN, Allowance, Pattern
from app.mal.values import ClosureError

PLACE = ast.Place(3, 7)


def pattern(text: str) -> Pattern:
    return Pattern(text, PLACE, Allowance())


@pytest.mark.parametrize(
    ("text", "matching", "others"),
    [
        ("GetItem|BatchGetItem", ["GetItem", "BatchGetItem"], ["Get", "GetItem|", ""]),
        ("a||b", ["a", "", "b"], ["|"]),
        ("", [""], ["a"]),
        ("a.c", ["abc"], ["abcd", "ac"]),
        ("test-.*", ["test-1", "test-"], ["a-test-1"]),
        ("(?i)get.*", ["GETITEM"], ["PUT"]),
        ("a(?i)b(?-i)c", ["aBc"], ["aBC", "ABc"]),
        ("(?i:a)b", ["Ab"], ["AB"]),
        ("(?du)a", ["a"], ["b"]),
        ("(?<n>a)\\k<n>", ["aa"], ["ab"]),
        ("(a)\\1", ["aa"], ["ab"]),
        ("a++b", ["aab"], ["b"]),
        ("(?>a|ab)c", ["ac"], ["abc"]),
        ("\\Qa.b\\E.", ["a.bx"], ["axbx"]),
        ("\\Qa.b", ["a.b"], ["axb"]),
        ("[\\Q]^\\E]", ["]", "^"], ["a"]),
        ("\\p{Alpha}+", ["abC"], ["é", "1"]),
        ("[\\p{Lower}\\d]+", ["a1"], ["A", "٣"]),
        ("\\P{Punct}", ["a"], ["!"]),
        ("\\p{Punct}+", ["!-[]`~"], ["a"]),
        ("\\p{L}+", ["éß"], ["1"]),
        ("\\pL", ["é"], ["1"]),
        ("\\p{IsAlphabetic}", ["é"], ["1"]),
        ("\\p{javaLowerCase}", ["é"], ["É"]),
        ("\\d", ["3"], ["٣"]),
        ("\\D", ["٣"], ["3"]),
        ("\\w+", ["a_1"], ["é", "a-b"]),
        ("[^\\w]", ["é"], ["a"]),
        ("[\\W]", ["é"], ["a"]),
        ("[\\w&&[^_]]+", ["ab"], ["a_b"]),
        ("[a-c[x-z]]+", ["axz"], ["d"]),
        ("[a--]", ["a", "-"], ["b"]),
        ("[a||b]", ["a", "|", "b"], ["c"]),
        ("[[:alpha:]]", [":", "a", "l"], ["z"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[^]a]", ["b"], ["]", "a"]),
        ("[#~& ]", ["#", "~", "&", " "], ["b"]),
        ("[\\[\\]\\-]+", ["[-]"], ["a"]),
        ("\\s\\h\\v", [" \t\n"], ["abc"]),
        ("\\x41\\u0042\\x{43}\\0104\\e", ["ABCD\x1b"], ["ABCD"]),
        ("\\cA", ["\x01"], ["A"]),
        ("a{2}b{1,}c{0,2}", ["aab", "aabbcc"], ["ab", "aabccc"]),
        ("a}", ["a}"], ["a"]),
        ("\\{\\}\\/\\-\\.\\:", ["{}/-.:"], ["a"]),
        ("\\Aa\\z|b\\Z", ["a", "b"], ["c"]),
        ("a(?=b).", ["ab"], ["ac"]),
        ("a(?!b).", ["ac"], ["ab"]),
        (".(?<=a)b", ["ab"], ["bb"]),
        (".(?<!a)b", ["bb"], ["ab"]),
        ("(?x) a  b # no more", ["ab"], ["a  b"]),
        ("é+", ["é"], ["e"]),
    ],
)
def test_matches_as_a_whole(text: str, matching: list[str], others: list[str]) -> None:
    compiled = pattern(text)
    assert [item for item in matching if not compiled.matches(item)] == []
    assert [item for item in others if compiled.matches(item)] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(", "missing"),
        ("[a", r"has no \]"),
        ("a{b}", "is no repetition"),
        ("(a){e<=1}", "is no repetition"),
        ("(?P<n>a)", "not known in Java"),
        ("(?R)", "not known in Java"),
        ("(?1)", "not known in Java"),
        ("(?&n)", "not known in Java"),
        ("\\y", "not known in Java"),
        ("\\Lword", "not known in Java"),
        ("\\k<n>", "unknown group"),
        ("\\p{Nonsense}", "unknown property"),
        ("\\x{110000}", "regular expression"),
        ("a\\", "ends with"),
        ("*", "nothing to repeat"),
        ("(" * 4_000, "regular expression"),
        ("a" * (LONGEST_PATTERN + 1), "at most 4096 are allowed"),
    ],
)
def test_what_is_no_pattern_is_told_at_load(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        pattern(text)
    assert (caught.value.line, caught.value.column) == PLACE


def test_the_first_match_and_its_groups() -> None:
    assert pattern("(b)(x)?.").groups("abcabd") == ("bc", "b", None)
    assert pattern("z").groups("abc") is None


@pytest.mark.parametrize(
    ("text", "subject", "replacement", "replaced"),
    [
        ("b", "abcb", "x", "axcx"),
        ("(b)(c)", "abc", "$2$1", "acb"),
        ("(b)", "abc", "$11", "ab1c"),
        ("(?<n>b)", "abc", "<${n}>", "a<b>c"),
        ("(b)|(c)", "abc", "[$1$2]", "a[b][c]"),
        ("b", "abc", "\\$1\\\\", "a$1\\c"),
        ("x*", "abxd", "-", "-a-b--d-"),
        ("$", "a", "!", "a!"),
    ],
)
def test_replacement(text: str, subject: str, replacement: str, replaced: str) -> None:
    assert pattern(text).replaced(subject, replacement, most=0, longest=100) == replaced


def test_replacement_can_be_of_the_first_alone() -> None:
    assert pattern("a").replaced("aaa", "b", most=1, longest=100) == "baa"


@pytest.mark.parametrize(
    ("replacement", "message"),
    [("$1", "no such group"), ("${n}", "is no group"), ("$", "is no group"), ("\\", "is no group")],
)
def test_replacements_name_groups_that_exist(replacement: str, message: str) -> None:
    with pytest.raises(ClosureError, match=message):
        pattern("a").replaced("a", replacement, most=0, longest=100)


def test_a_replacement_is_bounded() -> None:
    assert pattern("a").replaced("aa", "bb", most=0, longest=4) == "bbbb"
    with pytest.raises(ClosureError, match="beyond 3"):
        pattern("a").replaced("aa", "bb", most=0, longest=3)
    with pytest.raises(ClosureError, match="beyond 2"):
        pattern("a").replaced("aabbb", "", most=0, longest=2)


@pytest.mark.parametrize(
    ("text", "subject", "limit", "pieces"),
    [
        (",", "a,b,,", 0, ["a", "b"]),
        (",", "a,b,,", -1, ["a", "b", "", ""]),
        (",", "a,b,,", 2, ["a", "b,,"]),
        (",", "a,b", 1, ["a,b"]),
        (",", "a,b", 9, ["a", "b"]),
        (",", ",a", 0, ["", "a"]),
        (",", "", 0, [""]),
        (",", ",", 0, []),
        (",", ",", -1, ["", ""]),
        ("", "abc", 0, ["a", "b", "c"]),
        ("", "abc", -1, ["a", "b", "c", ""]),
        ("(?=b)", "abb", 0, ["a", "b", "b"]),
        ("\\s+", " a  b", 0, ["", "a", "b"]),
        ("x", "abc", 0, ["abc"]),
    ],
)
def test_split(text: str, subject: str, limit: int, pieces: list[str]) -> None:
    assert pattern(text).split(subject, limit, 100) == pieces


def test_split_is_bounded() -> None:
    with pytest.raises(ClosureError, match="more than 3 pieces"):
        pattern(",").split("a,b,c,d,e", 0, 3)


CATASTROPHE = "^(a|aa)+$"
VICTIM = "a" * 60 + "!"


def test_a_match_that_takes_too_long_is_an_error_and_soon_not_tried() -> None:
    compiled = pattern(CATASTROPHE)
    messages = []
    for _ in range(80_000):
        with pytest.raises(ClosureError) as caught:
            compiled.matches(VICTIM)
        messages.append(caught.value.reason)
        if len(messages) > 100:
            break
    assert "took longer than 0.1 seconds" in messages[0]
    assert "not tried any more" in messages[-1]
    with pytest.raises(ClosureError):
        compiled.replaced(VICTIM, "", most=0, longest=100)
    with pytest.raises(ClosureError):
        compiled.split(VICTIM, 0, 100)


def test_a_filter_says_where_its_pattern_is_too_slow() -> None:
    passes = tag_filter("tagNotMatch", [("k", CATASTROPHE)], PLACE)
    assert passes({"k": "b"})
    with pytest.raises(ClosureError, match="took longer") as caught:
        passes({"k": VICTIM})
    assert (caught.value.line, caught.value.column) == PLACE


@pytest.mark.parametrize(
    ("method", "pairs", "labels", "expected"),
    [
        ("tagEqual", [("k", "a")], {"k": "a"}, True),
        ("tagEqual", [("k", "a")], {}, False),
        ("tagEqual", [("k", None)], {"k": ""}, True),
        ("tagEqual", [("k", "")], {}, True),
        ("tagEqual", [("k", "a"), ("l", "b")], {"k": "a"}, False),
        ("tagEqual", [("k", "a"), ("k", "b")], {"k": "b"}, True),
        ("tagNotEqual", [("k", None)], {"k": "a"}, True),
        ("tagNotEqual", [("k", None)], {"k": ""}, False),
        ("tagNotEqual", [("k", "a"), ("l", "b")], {"k": "x", "l": "b"}, False),
        ("tagMatch", [("k", "a|b")], {"k": "b"}, True),
        ("tagMatch", [("k", "a.*")], {"k": "ba"}, False),
        ("tagMatch", [("k", ".*")], {}, True),
        ("tagMatch", [("k", "a"), ("l", "b")], {"k": "a", "l": "x"}, False),
        ("tagNotMatch", [("k", "a.*")], {"k": "ab"}, False),
        ("tagNotMatch", [("k", "a.*")], {}, True),
        ("tagNotMatch", [("k", "a?")], {}, False),
        ("tagNotMatch", [("k", "a"), ("l", "b")], {"k": "x", "l": "b"}, False),
    ],
)
def test_filters_by_label(
    method: str, pairs: list[tuple[str, str | None]], labels: dict[str, str], expected: bool
) -> None:
    assert tag_filter(method, pairs, PLACE)(labels) is expected


@pytest.mark.parametrize(("slow", "is_charged"), [([0.01], False), ([0.01, 0.01], True)])
def test_only_what_is_slow_again_is_charged(slow: list[float], is_charged: bool) -> None:
    """Otherwise a collection of garbage during a match would count as the match's own time."""
    allowance = Allowance(0.5)
    left = slow.copy()

    def match() -> str:
        end = time.thread_time() + (left.pop() if left else 0.0)
        while time.thread_time() < end:
            pass
        return "found"

    assert allowance.spend(match, "x") == "found"
    assert (allowance.seconds < 0.5) == is_charged
