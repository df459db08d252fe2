"""Amounts of money: exact decimals that add up to the last digit.

The amount of an hour is rounded once, to 10^-12 of the currency; everything else is a sum of such
amounts and is exact, so that in whatever parts a time is asked for, the parts are the whole.
"""

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from functools import lru_cache

from app.arrays import FloatArray

ZERO = Decimal(0)

_DIGITS = 12
# What would lose a digit is an error in here, not a wrong amount. Doubles have 309 digits at most.
_EXACT = Context(prec=400, traps=[Inexact])


def amount(quantity: Fraction | float, price: Decimal, per: int = 1) -> Decimal:
    """``quantity`` of what costs ``price`` for ``per`` of it, rounded half to even to 10^-12."""
    return _decimal(_quanta(quantity, price, per))


@lru_cache(65_536)
def _quanta(quantity: Fraction | float, price: Decimal, per: int) -> int:
    """The amount in 10^-12, in integers: hours come by the hundred thousand."""
    numerator, denominator = quantity.as_integer_ratio()
    of_price, unit = price.as_integer_ratio()
    divisor = denominator * unit * per
    whole: int
    whole, rest = divmod(numerator * of_price * 10**_DIGITS, divisor)
    above = 2 * rest - divisor
    return whole + 1 if above > 0 or (above == 0 and whole % 2) else whole


def _decimal(quanta: int) -> Decimal:
    return _EXACT.scaleb(Decimal(quanta), -_DIGITS)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    found = ZERO
    for one in amounts:
        found = _EXACT.add(found, one)
    return found


def known_total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The exact sum; None if any of them is not known."""
    every = list(amounts)
    known = [one for one in every if one is not None]
    return total(known) if len(known) == len(every) else None


def amount_of_hours(
    quantities: FloatArray, prices: Sequence[Decimal | None], per: int
) -> Decimal | None:
    """The sum of the amounts of hours; None where an hour with a quantity has no price."""
    found = 0
    for quantity, price in zip(quantities.tolist(), prices, strict=True):
        if quantity:
            if price is None:
                return None
            found += _quanta(quantity, price, per)
    return _decimal(found)


def shown(value: Decimal | None) -> str | None:
    """An amount as text, without an exponent and without zeros at the end."""
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
