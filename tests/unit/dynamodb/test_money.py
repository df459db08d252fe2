"""Amounts: rounded once, added exactly, shown plainly."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dynamodb.money import amount, amount_of_hours, known_total, shown, total


@pytest.mark.parametrize(
    ("quantity", "price", "per", "expected"),
    [
        (1.0, "0.00013", 60, "0.000002166667"),
        (0.5, "0.000000000001", 1, "0"),
        (1.5, "0.000000000001", 1, "0.000000000002"),
        (2.5, "0.000000000001", 1, "0.000000000002"),
        (-1.5, "0.000000000001", 1, "-0.000000000002"),
        (1e300, "1", 1, f"{int(1e300)}"),
    ],
)
def test_an_amount_is_rounded_half_to_even(
    quantity: float, price: str, per: int, expected: str
) -> None:
    assert amount(quantity, Decimal(price), per) == Decimal(expected)


@given(
    st.floats(-1e15, 1e15),
    st.decimals("0", "1000", places=7),
    st.sampled_from([1, 60, 3600, 1_000_000]),
)
def test_an_amount_is_the_nearest(quantity: float, price: Decimal, per: int) -> None:
    exact = Fraction(quantity) * Fraction(price) / per
    assert Fraction(amount(quantity, price, per)) == Fraction(round(exact * 10**12), 10**12)


def test_sums_lose_no_digit() -> None:
    parts = [Decimal("1E+40"), Decimal("0.000000000001"), Decimal("-1E+40")]
    assert total(parts) == Decimal("0.000000000001")
    assert known_total([Decimal(1), None]) is None
    assert known_total([]) == 0


def test_hours_without_a_price_are_not_known_unless_there_is_nothing_in_them() -> None:
    prices = [Decimal(2), None]
    assert amount_of_hours(np.array([1.5, 0.0]), prices, 1) == 3
    assert amount_of_hours(np.array([1.5, 0.1]), prices, 1) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.091000000000", "0.091"),
        ("120", "120"),
        ("0E-12", "0"),
        ("1E+3", "1000"),
        ("0.000000000001", "0.000000000001"),
    ],
)
def test_amounts_are_shown_without_exponents(value: str, text: str) -> None:
    assert shown(Decimal(value)) == text
    assert shown(None) is None
