"""Matchers, RE2's syntax, and the bounds on regular expressions."""

import time

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import QueryFailed
from app.promql import matching
from app.promql.ast import Matcher, MatchOperator
from app.promql.matching import LONGEST_PATTERN, check_pattern, compile_matcher
from app.promql.re2 import translated


def matches(pattern: str, text: str) -> bool:
    yes = compile_matcher(Matcher("a", MatchOperator.REGEX, pattern))(text)
    no = compile_matcher(Matcher("a", MatchOperator.NOT_REGEX, pattern))(text)
    assert yes is not no
    return yes


def test_equality() -> None:
    equal = compile_matcher(Matcher("a", MatchOperator.EQUAL, "x.*"))
    different = compile_matcher(Matcher("a", MatchOperator.NOT_EQUAL, "x.*"))
    assert equal("x.*")
    assert not equal("xy")
    assert different("xy")
    assert not different("x.*")


# Pattern, what it matches, what it does not.
PATTERNS: list[tuple[str, list[str], list[str]]] = [
    ("", [""], ["a"]),
    ("a", ["a"], ["", "ab", "ba", "A"]),
    ("a|b|", ["a", "b", ""], ["ab"]),
    (r"a\.b|c\-d\|e", ["a.b", "c-d|e"], ["axb", "c-d"]),
    (".*", ["", "a\nb"], []),
    (".+", ["a", "\n"], [""]),
    ("a.*", ["a", "ab\n"], ["ba", ""]),
    (".*a", ["a", "ba"], ["ab"]),
    (".*a.*", ["a", "xay"], ["b", ""]),
    (".+a.+", ["xay"], ["a", "xa", "ay"]),
    (".*.+", ["a", "ab"], [""]),
    (".+.+", ["ab"], ["", "a"]),
    ("a.+|b", ["ax", "b"], ["a", "bx"]),
    (".+a|.*b.+", ["xa", "bx"], ["a", "b"]),
    ("5..", ["500", "5\n."], ["50", "5000"]),
    ("[a-c]{2,3}", ["ab", "abc"], ["a", "abcd", "ad"]),
    ("a{,2}", ["a{,2}"], ["a", "aa"]),
    ("a{", ["a{"], ["a"]),
    ("(?i:ab)c", ["abc", "ABc"], ["ABC"]),
    ("a(?i)b|c", ["ab", "aB", "C"], ["AB"]),
    ("(a(?i)b)c", ["aBc"], ["aBC", "ABc"]),
    ("(?-s).", ["a"], ["\n"]),
    ("(?m)a$\n^b", ["a\nb"], ["ab"]),
    ("^a$", ["a"], ["a\n"]),
    (r"\Aa\z", ["a"], ["ab"]),
    (r"\d\s\w", ["1 a", "1\t_"], ["a b", "1\va", "\u0661 a"]),
    (r"\D\S\W", ["ab ", "é1é"], ["1b "]),
    (r"[\d_]+", ["1_2"], ["a"]),
    (r"[^\D]", ["1"], ["a"]),
    (r"[\W]", ["-", "é"], ["a", "_"]),
    ("[[:alpha:]-]+", ["a-B"], ["1"]),
    ("[[:^digit:]]", ["a", "é"], ["1"]),
    (r"\pN\p{Lu}\P{L}\p{^L}", ["1A11"], ["1a11"]),
    (r"\p{Greek}+[\p{Greek}x]", ["\u03b1\u03b2x"], ["a"]),
    (r"\bab\b.*", ["ab", "ab-"], ["abc"]),
    (r"a\B.*", ["ab"], ["a-"]),
    (r"\x41\x{1F600}\101\a", ["A😀A\a"], ["A"]),
    (r"\Qa.b\E+", ["a.bb"], ["axb"]),
    (r"\Qa|b", ["a|b"], ["a"]),
    ("(?P<x>a)(?<y>b)", ["ab"], ["a"]),
    ("[]a]", ["]", "a"], ["b"]),
    ("[^]a]", ["b"], ["]", "a"]),
    ("[a-]", ["a", "-"], ["b"]),
    ("a*?b??c+?", ["abc", "c", "aacc"], ["b"]),
    ("(?U)a*", ["aa"], ["b"]),
    ("(?:)*", [""], ["a"]),
    ("(a|b(c|d))*e", ["abcbde", "e"], ["bae "]),
    ("[&&[a]", ["&", "[", "a"], ["b"]),
    ("[a||b~~c]", ["|", "~", "c"], ["d"]),
    ("x{2}{", ["xx{"], ["xx"]),
    ("日本.?", ["日本", "日本語"], ["日"]),
    (r"\_\-\/", ["_-/"], ["_"]),
    ("#.*", ["# a"], ["a"]),
    ("(?i)k", ["K", "k"], ["q"]),
    ("(?i)[a-c]+", ["aBC"], ["d"]),
]


@pytest.mark.parametrize(("pattern", "good", "bad"), PATTERNS, ids=[each[0] for each in PATTERNS])
def test_patterns_are_anchored_and_read_as_re2_reads_them(
    pattern: str, good: list[str], bad: list[str]
) -> None:
    for text in good:
        assert matches(pattern, text), text
    for text in bad:
        assert not matches(pattern, text), text


REFUSED = {
    "(": "missing closing ): `(`",
    "a(b": "missing closing ): `a(b`",
    ")": "unexpected ): `)`",
    "a)b": "unexpected ): `a)b`",
    "[": "missing closing ]: `[`",
    "a[b": "missing closing ]: `[b`",
    "[]": "missing closing ]: `[]`",
    "[a-": "missing closing ]: `[a-`",
    "*": "missing argument to repetition operator: `*`",
    "a|*": "missing argument to repetition operator: `*`",
    "(+?)": "missing argument to repetition operator: `+?`",
    "{2}": "missing argument to repetition operator: `{2}`",
    "a**": "invalid nested repetition operator: `**`",
    "a*+": "invalid nested repetition operator: `*+`",
    "a{2}*?": "invalid nested repetition operator: `{2}*?`",
    "a{1001}": "invalid repeat count: `{1001}`",
    "a{2,1}": "invalid repeat count: `{2,1}`",
    "(a{100}){100}": "invalid repeat count: `{100}`",
    "[z-a]": "invalid character class range: `z-a`",
    "[[:nothing:]]": "invalid character class range: `[:nothing:]`",
    r"\p{Nothing}": r"invalid character class range: `\p{Nothing}`",
    r"\8": r"invalid escape sequence: `\8`",
    r"(a)\1": r"invalid escape sequence: `\1`",
    r"\Z": r"invalid escape sequence: `\Z`",
    r"\x{110000}": r"invalid escape sequence: `\x`",
    r"\C": r"invalid escape sequence: `\C`",
    r"[\b]": r"invalid escape sequence: `\b`",
    "a\\": "trailing backslash at end of expression: ``",
    "(?=a)": "invalid or unsupported Perl syntax: `(?=`",
    "(?!a)": "invalid or unsupported Perl syntax: `(?!`",
    "(?>a)": "invalid or unsupported Perl syntax: `(?>`",
    "(?x)a": "invalid or unsupported Perl syntax: `(?x`",
    "(?i-)a": "invalid or unsupported Perl syntax: `(?i-)`",
    "(?<=a)b": "invalid named capture: `(?<=a)b`",
    "(?P<a b>c)": "invalid named capture: `(?P<a b>`",
    "(?P<a>b)(?P<a>c)": "duplicate capture group name: `a`",
    "(" * 1_000 + ")" * 1_000: "expression nests too deeply",
    "[ab]" * LONGEST_PATTERN: "expression too large",
}


@pytest.mark.parametrize(
    ("pattern", "reason"), REFUSED.items(), ids=[each[:12] for each in REFUSED]
)
def test_what_re2_does_not_have_is_refused_in_its_words(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^error parsing regexp: ") as caught:
        check_pattern(Matcher("a", MatchOperator.REGEX, pattern))
    assert str(caught.value).removeprefix("error parsing regexp: ").startswith(reason)


def test_equality_has_no_pattern_to_check() -> None:
    check_pattern(Matcher("a", MatchOperator.EQUAL, "("))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "ab", r"\.", "-", ".*", ".+", "|"]), max_size=6),
    st.text("ab.-\n", max_size=6),
)
def test_short_cuts_are_what_the_regular_expression_says(parts: list[str], text: str) -> None:
    pattern = "".join(parts)
    expected = regex.fullmatch(translated(pattern), text, regex.VERSION0) is not None
    assert matches(pattern, text) is expected


def test_an_alternation_of_names_is_a_look_up() -> None:
    names = [rf"table\-{number:06}\.eu" for number in range(20_000)]
    predicate = compile_matcher(Matcher("a", MatchOperator.REGEX, "|".join(names)))
    start = time.process_time()
    assert sum(predicate(f"table-{number:06}.eu") for number in range(10_000, 40_000)) == 10_000
    assert time.process_time() - start < 5


SLOW = Matcher("a", MatchOperator.REGEX, "(?:a|aa)+[bc]")


def test_a_slow_pattern_is_stopped() -> None:
    predicate = compile_matcher(SLOW)
    assert predicate("ab")
    start = time.process_time()
    with pytest.raises(QueryFailed, match="took longer than"):
        predicate("a" * 60)
    assert time.process_time() - start < 30


def test_slow_matches_have_an_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "ALLOWANCE_SECONDS", 0.15)
    predicate = compile_matcher(SLOW)
    for _ in range(3):
        with pytest.raises(QueryFailed, match=r"took longer than|too slow too often"):
            predicate("a" * 60)
    with pytest.raises(QueryFailed, match="too slow too often"):
        predicate("ab")
    assert compile_matcher(SLOW)("ab")
