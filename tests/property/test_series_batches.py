"""Whether series appear all at once or one by one, in whatever order, rules give the same."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.rule_inputs import Given, evaluated, rule_files, series


@settings(max_examples=50, deadline=None)
@given(rule_files(), series(), st.data())
def test_batches_of_new_series_make_no_difference(
    text: str, one_minute: Sequence[Given], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(one_minute))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1))))
    batches = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    at_once = evaluated(text, one_minute, [])
    in_batches = evaluated(text, one_minute, batches)
    assert in_batches.values == at_once.values
    assert in_batches.failed == at_once.failed
    # An instance has the properties that the first of its series has, if its closure did not fail.
    if "tags.Source.trim()" not in text:
        assert in_batches.faults == at_once.faults


@settings(max_examples=15, deadline=None)
@given(rule_files(), series())
def test_one_by_one_is_as_all_at_once(text: str, one_minute: Sequence[Given]) -> None:
    at_once = evaluated(text, one_minute, [])
    one_by_one = evaluated(text, one_minute, [[number] for number in range(len(one_minute))])
    assert one_by_one.values == at_once.values
    if "tags.Source.trim()" not in text:
        assert one_by_one.faults == at_once.faults
