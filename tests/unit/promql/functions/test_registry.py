"""Every function that can be called is implemented once, and no other."""

from app.promql.functions import KEEPS_NAME, RANGE_FUNCTIONS, VALUE_FUNCTIONS, VECTOR_FUNCTIONS
from app.promql.parsing import bind, parse
from app.promql.signatures import SIGNATURES

BOUND = {"end", "range", "start", "step"}
EVALUATED = {"info", "timestamp"}


def test_every_signature_has_an_implementation() -> None:
    implemented = {*VALUE_FUNCTIONS, *RANGE_FUNCTIONS, *VECTOR_FUNCTIONS}
    assert implemented | BOUND | EVALUATED == set(SIGNATURES)
    assert implemented & (BOUND | EVALUATED) == set()
    assert set(RANGE_FUNCTIONS) >= KEEPS_NAME


def test_kinds_do_not_overlap_but_where_a_vector_follows_a_range() -> None:
    assert not set(VALUE_FUNCTIONS) & {*RANGE_FUNCTIONS, *VECTOR_FUNCTIONS}
    assert set(RANGE_FUNCTIONS) & set(VECTOR_FUNCTIONS) == {"absent_over_time"}


def test_functions_of_the_whole_query_are_numbers_once_it_is_bound() -> None:
    bound = bind(parse("end() - start() + range() * step()"), 1_500, 61_500, 15_000)
    assert bound == parse("61.5 - 1.5 + 60 * 15")
    assert bind(parse("step() + range()"), 1_500, 1_500, 0) == parse("0 + 0")
