"""The words of a PromQL expression, and how messages call them."""

from enum import StrEnum, auto
from typing import NamedTuple

from app.promql.parsing.quoting import quoted


class Kind(StrEnum):
    """What a token is."""

    END = auto()
    FAULT = auto()
    IDENTIFIER = auto()
    METRIC_IDENTIFIER = auto()
    NUMBER = auto()
    DURATION = auto()
    STRING = auto()
    SIGN = auto()
    OPERATOR = auto()
    AGGREGATOR = auto()
    KEYWORD = auto()
    BOUND = auto()


class Token(NamedTuple):
    """A word of the text, in its characters [``start``, ``end``).

    ``word`` is what decides about its meaning: a keyword in lower case, otherwise the text as it
    stands there. Of a fault it is the message.
    """

    kind: Kind
    word: str
    text: str
    start: int
    end: int

    @property
    def description(self) -> str:
        """What a message about an unexpected token calls it, worded as Prometheus does."""
        match self.kind:
            case Kind.END:
                return "end of input"
            case Kind.IDENTIFIER:
                return f"identifier {quoted(self.text)}"
            case Kind.METRIC_IDENTIFIER:
                return f"metric identifier {quoted(self.text)}"
            case Kind.KEYWORD:
                return f"<{self.text}>"
            case Kind.OPERATOR:
                return f"<op:{self.text}>"
            case Kind.AGGREGATOR:
                return f"<aggr:{self.text}>"
            case Kind.NUMBER | Kind.DURATION | Kind.STRING:
                return f"{self.kind.value} {_shortened(self.text)}"
            case _:
                return _shortened(self.text)


_MOST_SHOWN = 10


def _shortened(text: str) -> str:
    if len(text.encode("utf-8", "replace")) > _MOST_SHOWN:
        return f"{quoted(text[:_MOST_SHOWN])}..."
    return quoted(text)


PARAMETERS = frozenset({"bottomk", "count_values", "limit_ratio", "limitk", "quantile", "topk"})
"""Aggregators that take a parameter before their operand."""

AGGREGATORS = PARAMETERS | {"avg", "count", "group", "max", "min", "stddev", "stdvar", "sum"}

_WORDS = {
    Kind.OPERATOR: frozenset({"and", "or", "unless", "atan2"}),
    Kind.AGGREGATOR: AGGREGATORS,
    Kind.KEYWORD: frozenset(
        {
            *("anchored", "bool", "by", "fill", "fill_left", "fill_right", "group_left"),
            *("group_right", "ignoring", "offset", "on", "smoothed", "without"),
        }
    ),
    Kind.BOUND: frozenset({"start", "end", "step", "range"}),
    Kind.NUMBER: frozenset({"inf", "nan"}),
}
KEYWORDS = {word: kind for kind, words in _WORDS.items() for word in words}
"""The kinds of words that are more than names, by their spelling in lower case."""

FILLS = frozenset({"fill", "fill_left", "fill_right"})
"""Keywords only before a parenthesis, otherwise names."""

NAMES = frozenset(KEYWORDS) - frozenset(
    {"atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on", *FILLS}
)
"""Keywords that may be the name of a metric."""

LABELS = frozenset(KEYWORDS) - frozenset({"inf", "nan", "without"})
"""Keywords that may be the name of a label in a list of labels."""
