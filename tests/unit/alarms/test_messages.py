"""Messages of alarms: labels and words in texts, and what is said only where there is a label."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alarms.messages import NO_LABEL, TemplateError, read_message

WORDS: dict[str, str | float | None] = {
    "value": 12.5,
    "threshold": 10.0,
    "alarm": "A",
    "severity": "warning",
    "state": "ALARM",
}
TEXTS = st.text(st.characters(exclude_characters="{}"), max_size=8)


@pytest.mark.parametrize(
    ("template", "labels", "expected"),
    [
        ("{t} has {value}", {"t": "orders"}, "orders has 12.5"),
        ("{t} has {value}", {}, "- has 12.5"),
        ("{t}{i: (index {})} has", {"t": "orders", "i": "by-date"}, "orders (index by-date) has"),
        ("{t}{i: (index {})} has", {"t": "orders"}, "orders has"),
        ("{i:{}}", {"i": ""}, ""),
        ("{i:{}}", {}, ""),
        ("{i::{}:}", {"i": "a{}b"}, ":a{}b:"),
        ("{{{t}}}", {"t": "x"}, "{x}"),
        # A label of this name gives way to the word.
        ("{value}", {"value": "x"}, "12.5"),
    ],
)
def test_a_message_is_filled_in(template: str, labels: dict[str, str], expected: str) -> None:
    assert read_message(template).render(labels, WORDS) == expected


@given(before=TEXTS, after=TEXTS, value=st.text(max_size=8))
def test_what_stands_around_a_value_stands_or_falls_with_it(
    before: str, after: str, value: str
) -> None:
    # What would be read as a conversion is none behind the colon.
    message = read_message(f"<{{label:{before}{{}}{after}}}>")
    assert message.render({"label": value}, WORDS) == f"<{before}{value}{after}>"
    assert message.render({}, WORDS) == "<>"
    assert message.names == ("label",)
    assert message.offset("label") == 1


@pytest.mark.parametrize(
    ("template", "offset"),
    [("a {b: c}", 2), ("a {b:{}{}}", 2), ("a {b:{c}}", 2), ("{value: {}}", 0), ("{b!r}", 0)],
)
def test_what_cannot_be_a_placeholder_is_told_with_its_place(template: str, offset: int) -> None:
    with pytest.raises(TemplateError) as told:
        read_message(template)
    assert told.value.offset == offset


def test_a_label_that_is_not_there_is_a_dash() -> None:
    assert read_message("{x}").render({}, WORDS) == NO_LABEL
