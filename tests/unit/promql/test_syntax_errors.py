"""Texts that are refused, with the place and the words."""

import pytest

from app.errors import QuerySyntaxError
from app.promql.ast import Aggregation, VectorSelector
from app.promql.parsing import parse
from app.promql.parsing.cursor import MAX_LENGTH
from app.promql.parsing.parser import MAX_DEPTH

LITERALS = "number, duration, step(), or range()"
NOT_EMPTY = "vector selector must contain at least one non-empty matcher"
PRECEDED = "must be preceded by an instant vector selector or range vector selector or a subquery"
ONLY_VALUES = "binary expression must contain only scalar and instant vector types"

LEXICAL = {
    "": "1:1: no expression found in input",
    "  # only this": "1:1: no expression found in input",
    ")": "1:2: unexpected right parenthesis ')'",
    "(1))": "1:5: unexpected right parenthesis ')'",
    "(1+2": "1:5: unclosed left parenthesis",
    "x[": "1:3: unexpected end of input in duration expression",
    "x[5m": "1:5: unclosed left bracket",
    "(x[5m": "1:6: unclosed left parenthesis",
    "x[5m]]": "1:6: unexpected right bracket ']'",
    "x{": "1:3: unexpected end of input inside braces",
    "x{{": "1:3: unexpected left brace '{'",
    "x}": "1:2: unexpected character: '}'",
    "x{a!b}": "1:4: unexpected character after '!' inside braces: 'b'",
    "x{a:b='c'}": "1:4: unexpected character inside braces: ':'",
    "x{1='b'}": "1:3: unexpected character inside braces: '1'",
    "x ! y": "1:3: unexpected character after '!': ' '",
    "x =~ 'y'": "1:3: unexpected character after '=': '~'",
    "x & y": "1:3: unexpected character: '&'",
    "ö": "1:1: unexpected character: 'ö'",
    "x['5m']": "1:3: unexpected character in duration expression: '\\''",
    "x[a]": "1:3: unexpected character in duration expression: 'a'",
    "x[5m + foo]": "1:8: unexpected character: 'f', expected ':'",
    "x[:5m]": "1:4: unexpected colon before duration in duration expression",
    "x[5m:1m:1m]": "1:8: unexpected colon ':'",
    '"x': "1:1: unterminated quoted string",
    "'x\n'": "1:1: unterminated quoted string",
    "`x": "1:1: unterminated raw string",
    r'"x\q"': "1:1: unknown escape sequence U+0071 'q'",
    r'"\'"': "1:1: unknown escape sequence U+0027 '''",
    r'"\x4g"': "1:1: illegal character U+0067 'g' in escape sequence",
    r'"\08"': "1:1: illegal character U+0038 '8' in escape sequence",
    r'"\400"': "1:1: escape sequence is an invalid Unicode code point",
    r'"\ud800"': "1:1: escape sequence is an invalid Unicode code point",
    r'"\U00110000"': "1:1: escape sequence is an invalid Unicode code point",
    '"\\': "1:1: escape sequence not terminated",
    '"\\u00': "1:1: escape sequence not terminated",
    '"\ud800"': "1:1: invalid UTF-8 rune",
    "5x": '1:1: bad number or duration syntax: "5"',
    "5mm": '1:1: bad number or duration syntax: "5mm"',
    "5m3": '1:1: bad number or duration syntax: "5m3"',
    "0xg": '1:1: bad number or duration syntax: "0x"',
    "0b1": '1:1: bad number or duration syntax: "0"',
    "1e": '1:1: bad number or duration syntax: "1e"',
    "1..2": '1:1: bad number or duration syntax: "1.."',
    "1__0": '1:1: bad number or duration syntax: "1__0"',
    "1m1h": '1:1: not a valid duration string: "1m1h"',
    "1.5h": '1:1: not a valid duration string: "1.5h"',
    "x[1hs]": '1:3: not a valid duration string: "1hs"',
    "99999999999y": "1:1: duration out of range",
    "x[1e20]": "1:3: duration out of range",
    "x offset NaN": "1:10: duration out of range",
    "1e400": '1:1: error parsing number: strconv.ParseFloat: parsing "1e400": value out of range',
    "1 +\n\n  )": "3:4: unexpected right parenthesis ')'",
}

SYNTAX = {
    "x y": '1:3: unexpected identifier "y"',
    "x a:b": '1:3: unexpected metric identifier "a:b"',
    "1 1": '1:3: unexpected number "1"',
    "x 5m": '1:3: unexpected duration "5m"',
    "x 'abcdefghijkl'": '1:3: unexpected string "\'abcdefghi"...',
    "x = y": '1:3: unexpected "="',
    "* x": "1:1: unexpected <op:*>",
    "x +": "1:4: unexpected end of input",
    "x + * y": "1:5: unexpected <op:*>",
    "bool": "1:1: unexpected <bool>",
    "ON(x)": "1:1: unexpected <ON>",
    "x + group_left y": "1:5: unexpected <group_left>",
    "x by (a)": "1:3: unexpected <by>",
    "a:b(x)": '1:4: unexpected "("',
    "sum(x){a='b'}": '1:7: unexpected "{"',
    "sum(x) by (a) by (b)": "1:15: unexpected <by>",
    "sum(x y)": '1:7: unexpected identifier "y" in aggregation',
    "sum(rate(x[5m] y))": '1:16: unexpected identifier "y" in aggregation',
    "sum by (a) x": '1:12: unexpected identifier "x" in aggregation',
    "sum(": "1:5: unclosed left parenthesis",
    "sum by a (x)": '1:8: unexpected identifier "a" in grouping opts, expected "("',
    "sum by (1) (x)": '1:9: unexpected number "1" in grouping opts, expected label',
    "sum by (a b) (x)": '1:11: unexpected identifier "b" in grouping opts, expected "," or ")"',
    "sum by (without) (x)": "1:9: unexpected <without> in grouping opts, expected label",
    "sum by (,) (x)": '1:9: unexpected "," in grouping opts, expected label',
    "sum by ('') (x)": '1:9: invalid label name for grouping: ""',
    "x + on y": '1:8: unexpected identifier "y" in grouping opts, expected "("',
    "x{a}": '1:4: unexpected "}" in label matching, expected label matching operator',
    "x{a=}": '1:5: unexpected "}" in label matching, expected string',
    "x{a=b}": '1:5: unexpected identifier "b" in label matching, expected string',
    "x{a=='b'}": '1:5: unexpected "=" in label matching, expected string',
    "x{a='b' c='d'}": '1:9: unexpected identifier "c" in label matching, expected "," or "}"',
    "x{,}": '1:3: unexpected "," in label matching, expected identifier or "}"',
    "x{a='b',,}": '1:9: unexpected "," in label matching, expected identifier or "}"',
    "x{'a' 'b'}": '1:7: unexpected string "\'b\'" in label matching, expected "," or "}"',
    "x[]": f'1:3: unexpected "]" in subquery or range selector, expected {LITERALS}',
    "x[5m +]": f'1:7: unexpected "]" in subquery or range selector, expected {LITERALS}',
    "x[5m 5m]": '1:6: unexpected duration "5m" in subquery or range, expected ":" or "]"',
    "x[5m:1m 1m]": '1:9: unexpected duration "1m" in subquery selector, expected "]"',
    "x[5m:*]": "1:6: unexpected <op:*> in subquery selector, expected number, duration, step(),"
    ' range(), or "]"',
    "x offset": f"1:9: unexpected end of input in offset, expected {LITERALS}",
    "x offset y": f'1:10: unexpected identifier "y" in offset, expected {LITERALS}',
    "x offset (5m y)": f'1:14: unexpected identifier "y" in offset, expected {LITERALS}',
    "x @": "1:4: unexpected end of input in @, expected timestamp",
    "x @ y": '1:5: unexpected identifier "y" in @, expected timestamp',
    "x @ start": "1:10: unexpected end of input in @, expected timestamp",
    "x + fill(y) z": '1:10: unexpected identifier "y" in fill modifier, expected number',
    "rate(x[5m],)": "1:11: trailing commas not allowed in function call args",
    "rate(,)": '1:6: unexpected ","',
}

MEANING = {
    "nothing(x)": '1:1: unknown function with name "nothing"',
    "Rate(x[5m])": '1:1: unknown function with name "Rate"',
    "holt_winters(x[5m], 1, 1)": '1:1: unknown function with name "holt_winters"',
    "1 + nothing(y(x))": '1:13: unknown function with name "y"',
    "x[5m][5m]": "1:6: ranges only allowed for vector selectors",
    "(x)[5m]": "1:4: ranges only allowed for vector selectors",
    "x offset 5m[5m]": "1:12: no offset modifiers allowed before range",
    "x @ 1[5m]": "1:6: no @ modifiers allowed before range",
    "x[0s]": "1:3: duration must be greater than 0",
    "x[-5m]": "1:3: duration must be greater than 0",
    "x[5m:-1m]": "1:6: duration must be greater than 0",
    "x[0.0001]": "1:3: duration must be greater than 0",
    "x[5m / 0]": "1:6: division by zero",
    "x[5m % 0s]": "1:6: modulo by zero",
    "x offset 5m offset 5m": "1:1: offset may not be set multiple times",
    "x @ 1 @ 2": "1:1: @ <timestamp> may not be set multiple times",
    "x @ start() @ end()": "1:1: @ <timestamp> may not be set multiple times",
    "x @ Inf": "1:1: timestamp out of bounds for @ modifier: +Inf",
    "x @ NaN": "1:1: timestamp out of bounds for @ modifier: NaN",
    "x @ -1e30": "1:1: timestamp out of bounds for @ modifier:"
    " -1000000000000000019884624838656.000000",
    "1 offset 5m": f"1:1: offset modifier {PRECEDED}",
    "sum(x) @ 1": f"1:1: @ modifier {PRECEDED}",
    "x anchored smoothed": "1:1: anchored and smoothed modifiers cannot be used together",
    "x[5m:] anchored": "1:1: anchored modifier is not supported for subqueries",
    "sum(x) smoothed": "1:1: smoothed modifier not implemented",
    "sum()": "1:1: no arguments for aggregate expression provided",
    "sum(x, y)": "1:1: wrong number of arguments for aggregate expression provided,"
    " expected 1, got 2",
    "topk(x)": "1:1: wrong number of arguments for aggregate expression provided,"
    " expected 2, got 1",
    "{}": f"1:1: {NOT_EMPTY}",
    '{a=""}': f"1:1: {NOT_EMPTY}",
    '{a=~".*"}': f"1:1: {NOT_EMPTY}",
    '{a!="b", c!~"d"}': f"1:1: {NOT_EMPTY}",
    "info(x, y)": "1:9: expected label selectors only, got vector selector instead",
    "info(x, sum(y))": "1:9: expected label selectors only",
    "info({}, {})": f"1:6: {NOT_EMPTY}",
    'x{__name__="y"}': '1:1: metric name must not be set twice: "x" or "y"',
    'x{"y"}': '1:1: metric name must not be set twice: "x" or "y"',
    "1 == 2": "1:3: comparisons between scalars must use BOOL modifier",
    "x + bool y": "1:3: bool modifier can only be used on comparison operators",
    "x and bool y": "1:3: bool modifier can only be used on comparison operators",
    "x and 1": '1:1: set operator "and" not allowed in binary scalar expression',
    "1 or 2": '1:1: set operator "or" not allowed in binary scalar expression',
    "x and on(a) group_left y": '1:1: no grouping allowed for "and" operation',
    "x + on(a) group_left(a) y": '1:3: label "a" must not occur in ON and GROUP clause at once',
    "x + on(a) 1": "1:1: vector matching only allowed between instant vectors",
    "x + fill(1) 1": "1:1: filling in missing series only allowed between instant vectors",
    "x or fill(1) y": "1:1: filling in missing series not allowed for set operators",
    "'a' + 1": f"1:1: {ONLY_VALUES}",
    "1 + x[5m]": f"1:5: {ONLY_VALUES}",
    "-'a'": "1:1: unary expression only allowed on expressions of type scalar or instant vector,"
    ' got "string"',
    "-x[5m]": "1:1: unary expression only allowed on expressions of type scalar or instant vector,"
    ' got "range vector"',
    "1[5m:]": "1:1: subquery is only allowed on instant vector, got scalar instead",
    "x[5m][5m:]": "1:1: subquery is only allowed on instant vector, got matrix instead",
    "sum(1)": "1:5: expected type instant vector in aggregation expression, got scalar",
    "topk('a', x)": "1:6: expected type scalar in aggregation parameter, got string",
    "count_values(1, x)": "1:14: expected type string in aggregation parameter, got scalar",
    "rate(x)": '1:6: expected type range vector in call to function "rate", got instant vector',
    "abs('a')": '1:5: expected type instant vector in call to function "abs", got string',
    "label_join(x, 'a', 'b', 1)": '1:25: expected type string in call to function "label_join",'
    " got scalar",
    "label_join(x, 'a', 'b', 'c', y)": "1:30: expected type string in call to function"
    ' "label_join", got instant vector',
    "rate()": '1:1: expected 1 argument(s) in call to "rate", got 0',
    "time(x)": '1:1: expected 0 argument(s) in call to "time", got 1',
    "rate(1, 'a')": '1:1: expected 1 argument(s) in call to "rate", got 2',
    "rate(sum(1), 2)": '1:1: expected 1 argument(s) in call to "rate", got 2',
    "round()": '1:1: expected at least 1 argument(s) in call to "round", got 0',
    "round(x, 1, 2)": '1:1: expected at most 2 argument(s) in call to "round", got 3',
    "label_join(x)": '1:1: expected at least 3 argument(s) in call to "label_join", got 1',
    "x{a=~'('}": "1:3: error parsing regexp: missing closing ): `(`",
    "sum(1) + )": "1:11: unexpected right parenthesis ')'",
}


@pytest.mark.parametrize(
    ("text", "expected"), [*LEXICAL.items(), *SYNTAX.items(), *MEANING.items()]
)
def test_the_error_says_where_and_what(text: str, expected: str) -> None:
    line, column, reason = expected.split(":", 2)
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (int(line), int(column)), caught.value
    assert caught.value.reason == reason.strip()
    assert caught.value.message == f"{line}:{column}: parse error: {reason.strip()}"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH,
        "x" + " + x" * 50_000,
        "x" + " ^ x" * 50_000,
        "-" * 100_000 + "x",
        "x" + "[5m:]" * 40_000,
        "abs(" * 50_000,
        "x[" + "(" * 100_000 + "5m" + ")" * 100_000 + "]",
        "x[5m" + " + 5m" * 40_000 + "]",
        "x[" + "-" * 100_000 + "5m]",
        "x offset " + "(" * 100_000,
    ],
    ids=lambda text: f"{text[:12]}…{text[-4:]}",
)
def test_deep_trees_are_refused(text: str) -> None:
    with pytest.raises(QuerySyntaxError, match=r"levels deep|terms|only allowed|instant vector"):
        parse(text)


def test_long_texts_are_refused_and_long_lists_are_not() -> None:
    with pytest.raises(QuerySyntaxError, match="characters, at most"):
        parse("x" * (MAX_LENGTH + 1))
    values = "|".join(f"table-{number:08}" for number in range(10_000))
    assert isinstance(parse(f'x{{TableName=~"{values}"}}'), VectorSelector)
    assert isinstance(parse(f"sum by ({', '.join(['a'] * 50_000)}) (x)"), Aggregation)
