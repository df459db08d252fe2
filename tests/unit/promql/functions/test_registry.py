"""Every function that can be called is implemented once, and no other."""

from app.promql.functions import KEEPS_NAME, RANGE_FUNCTIONS, VALUE_FUNCTIONS, VECTOR_FUNCTIONS
from app.promql.signatures import SIGNATURES

EVALUATED = {"end", "info", "range", "start", "step", "timestamp"}
"""What the evaluator does itself."""


def test_every_signature_has_an_implementation() -> None:
    implemented = {*VALUE_FUNCTIONS, *RANGE_FUNCTIONS, *VECTOR_FUNCTIONS}
    assert implemented | EVALUATED == set(SIGNATURES)
    assert implemented & EVALUATED == set()
    assert set(RANGE_FUNCTIONS) >= KEEPS_NAME


def test_kinds_do_not_overlap_but_where_a_vector_follows_a_range() -> None:
    assert not set(VALUE_FUNCTIONS) & {*RANGE_FUNCTIONS, *VECTOR_FUNCTIONS}
    assert set(RANGE_FUNCTIONS) & set(VECTOR_FUNCTIONS) == {"absent_over_time"}
