"""Mutations of PromQL expressions, word by word."""

import random
import re

_WORDS = re.compile(r"[A-Za-z_:]+|[0-9.]+[a-z]*|\s+|\"[^\"]*\"|.", re.DOTALL)
_INSERTED = (
    *("(", ")", "{", "}", "[", "]", ",", ":", "=", "=~", "!~", "==", "!", "^", "@", "-", "\\"),
    *('"', "'", "`", "#", "\n", "\0", "\udc80", "\ufffd", "é", "5m", "0x", "1e", "1e999", "_", "."),
    *("sum", "by", "on", "bool", "offset", "group_left", "fill", "fill_left", "start", "step()"),
    *("anchored", "smoothed", "Inf", "nan", "rate", "info", "atan2", "unless", '"(?i:a|b)+"'),
    *('"(a{2}){3}"', '"[[:alpha:]"', '"\\\\pN"', '"\\xff"', "9" * 400, "((((", "))))", "[5m:]"),
)


def mutate(rng: random.Random, text: str, times: int) -> str:
    """The text with some words exchanged, left out, repeated or new."""
    words = _WORDS.findall(text)
    for _ in range(times):
        at = rng.randrange(len(words) + 1)
        match rng.randrange(5):
            case 0:
                del words[at : at + rng.choice((1, 1, 3))]
            case 1:
                words[at:at] = words[at : at + rng.choice((1, 5))] * rng.choice((1, 2, 40))
            case 2:
                words[at : at + 1] = [rng.choice(_INSERTED)]
            case 3:
                words.insert(at, rng.choice(_INSERTED))
            case _:
                other = rng.randrange(len(words) + 1)
                words[at : at + 1], words[other : other + 1] = (
                    words[other : other + 1],
                    words[at : at + 1],
                )
    return "".join(words)
