"""Text that SQL can hold, one by one and by the column."""

from hypothesis import given
from hypothesis import strategies as st

from app.mal import Scope
from app.storage.text import storable, storable_column

TEXTS = st.text(st.sampled_from("ab\0\ud800\u00e9\U0001f600"), max_size=4)


@given(st.lists(TEXTS, max_size=6))
def test_a_column_is_stored_as_its_texts_are(texts: list[str]) -> None:
    column = storable_column(texts)
    assert column == [storable(text) for text in texts]
    assert "\0" not in "".join(column).encode().decode()


def test_texts_of_other_types_become_plain() -> None:
    assert list(map(type, storable_column([Scope.SERVICE, "a"]))) == [str, str]
