"""Labels as columns: numbers of what is equal, and functions that run once for each kind of row."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.labels import label_set
from app.mal import parse_closure
from app.mal.closures import label_filter, label_mapping
from app.mal.distinct import distinct
from app.mal.frames import Labels
from app.mal.key_index import UNKNOWN, KeyIndex
from app.mal.label_block import LabelBlock, RecordedLabels
from app.mal.label_functions import LabelFunction, filtering, relabelling
from app.mal.vocabulary import Vocabulary

ROWS = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from(("", "x", "y", "z")), max_size=4),
    min_size=1,
    max_size=20,
)
NUMBERS = st.lists(st.sampled_from((0, 1, 2, 7, -5, 2**40, -(2**40))), max_size=30)


@given(st.lists(st.tuples(*[st.sampled_from((-1, 0, 3, 2**30))] * 3), max_size=40))
def test_distinct_tells_rows_apart(rows: list[tuple[int, ...]]) -> None:
    columns = [np.array([row[i] for row in rows], np.int32) for i in range(3)]
    firsts, kind = distinct(columns, len(rows))
    numbers: dict[tuple[int, ...], int] = {}
    assert kind.tolist() == [numbers.setdefault(row, len(numbers)) for row in rows]
    assert firsts.tolist() == [rows.index(row) for row in numbers]


def test_distinct_without_columns_has_one_kind() -> None:
    firsts, kind = distinct([], 3)
    assert (firsts.tolist(), kind.tolist()) == ([0], [0, 0, 0])
    firsts, kind = distinct([], 0)
    assert (firsts.tolist(), kind.tolist()) == ([], [])


@settings(deadline=None)
@given(st.lists(NUMBERS, max_size=6), st.integers(0, 5_000))
def test_keys_are_numbered_in_the_order_of_their_appearance(
    batches: list[list[int]], many: int
) -> None:
    index = KeyIndex()
    numbers: dict[int, int] = {}
    # Enough keys at once that the small table becomes part of the large one.
    for batch in (*batches[:2], range(100, 100 + many), *batches):
        known = len(numbers)
        found, new = index.add(np.array(batch, np.int64))
        assert found.tolist() == [numbers.setdefault(key, len(numbers)) for key in batch]
        assert found[new].tolist() == list(range(known, len(numbers)))
    keys = [*numbers, 99]
    assert index.find(np.array(keys, np.int64)).tolist() == [*numbers.values(), UNKNOWN]
    assert len(index) == len(numbers)


@given(ROWS)
def test_label_sets_have_one_number(rows: list[Labels]) -> None:
    vocabulary = Vocabulary()
    # A second block has other columns, and shares numbers with the first.
    for some in (rows, rows[::-1][:3]):
        numbers = LabelBlock.of(vocabulary, some).sets()
        found = [vocabulary.label_set(number) for number in numbers.tolist()]
        assert found == [label_set(dict(labels)) for labels in some]
    everything = LabelBlock.of(vocabulary, rows).sets().tolist()
    assert len(set(everything)) == len({label_set(dict(labels)) for labels in rows})


@given(ROWS)
def test_rows_come_out_as_they_went_in(rows: list[Labels]) -> None:
    vocabulary = Vocabulary()
    block = LabelBlock.of(vocabulary, rows)
    assert [block.labels(row) for row in range(block.size)] == rows
    joined = LabelBlock.joined([block, LabelBlock.of(vocabulary, rows[:2])])
    assert [joined.labels(row) for row in range(joined.size)] == [*rows, *rows[:2]]
    recorded = RecordedLabels()
    recorded.append(block)
    recorded.append(block.take(np.array([0])))
    assert list(recorded) == [recorded[row] for row in range(len(recorded))] == [*rows, rows[0]]


def by_hand(function: Callable[[Labels], object], rows: list[Labels]) -> list[object]:
    found: list[object] = []
    for labels in rows:
        try:
            found.append(function(labels))
        except Exception as error:  # noqa: BLE001 - what a block makes of it is compared
            found.append(str(error))
    return found


@pytest.mark.parametrize(
    ("text", "touches"),
    [
        ("{ tags -> tags.a = 'p' + tags.b }", {"a", "b"}),
        ("{ tags -> tags.e = tags.a }", {"a", "e"}),
        ("{ tags -> tags.remove('a'); tags.put('b', 'n') }", {"a", "b"}),
        ("{ tags -> if (tags['a']) { return tags } tags.a = tags.b.substring(1) }", {"a", "b"}),
        ("{ tags -> tags[tags.a + ''] = 'v' }", None),
        ("{ tags -> tags.n = tags.size() + '' }", None),
        ("{ tags -> return tags.a ? tags : ['k': tags.b + ''] }", None),
        ("{ tags -> def other = tags; other.a = 'q' }", None),
        ("{ tags -> tags = ['k': 'v'] }", None),
    ],
)
@settings(deadline=None, max_examples=40)
@given(rows=ROWS)
def test_mappings_do_to_a_block_what_they_do_to_each_row(
    text: str, touches: set[str] | None, rows: list[Labels]
) -> None:
    mapping = label_mapping(parse_closure(text))
    assert mapping.touches == touches
    block = LabelBlock.of(Vocabulary(), rows)
    left, labels, faults = relabelling(mapping)(block)
    expected = by_hand(mapping, rows)
    assert left.tolist() == [n for n, result in enumerate(expected) if isinstance(result, dict)]
    assert [labels.labels(row) for row in range(labels.size)] == [
        result for result in expected if isinstance(result, dict)
    ]
    assert [str(error) for error in faults] == [r for r in expected if isinstance(r, str)]


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_filters_leave_the_rows_that_pass(rows: list[Labels]) -> None:
    passes = label_filter(parse_closure("{ tags -> tags.a.length() > 0 || tags.b == 'x' }"))
    left, labels, faults = filtering(passes)(LabelBlock.of(Vocabulary(), rows))
    expected = by_hand(passes, rows)
    assert left.tolist() == [n for n, result in enumerate(expected) if result is True]
    assert [labels.labels(row) for row in range(labels.size)] == [rows[n] for n in left]
    assert [str(error) for error in faults] == [r for r in expected if isinstance(r, str)]


def test_functions_run_once_for_each_kind_of_row() -> None:
    asked: list[Labels] = []

    def passes(labels: Labels) -> bool:
        asked.append(labels)
        return True

    rows: list[Labels] = [{"a": "x", "b": str(number)} for number in range(5)]
    filtering(LabelFunction(passes, frozenset("a")))(LabelBlock.of(Vocabulary(), rows))
    assert asked == [{"a": "x"}]
