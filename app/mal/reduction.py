"""Reductions over groups of rows that do not depend on the order of the rows.

A floating-point sum depends on the order of its additions, and the order of rows depends on which
series happened to arrive first. Sums here are exactly rounded (as ``math.fsum``), so the same
samples give the same bits in any order.
"""

import numpy as np

from app.arrays import FloatArray, IntArray
from app.mal.frames import Combine, Frame
from app.mal.groups import Groups


def group_sum(values: FloatArray, groups: IntArray, size: int) -> FloatArray:
    """Exactly rounded sum of each group; NaN values are absent, a group without any is NaN."""
    return Groups(groups, size).sums(values)


def group_extreme(values: FloatArray, groups: IntArray, size: int, combine: Combine) -> FloatArray:
    """Largest or smallest value of each group; NaN values are absent, zeros lose their sign."""
    return Groups(groups, size).extremes(values, combine)


def combine_rows(frame: Frame, groups: IntArray, size: int, combine: Combine) -> Frame:
    """``combined`` for groups that are asked for once."""
    return combined(frame, Groups(groups, size), combine)


def combined(frame: Frame, groups: Groups, combine: Combine) -> Frame:
    """Combine the rows of each group by the statistic's own rule.

    A group of one row keeps its value, and what it is made of, to the last bit; whether other
    groups have more rows makes no difference to it. Weights are those that came in: an average of
    samples of which any has no weight is their arithmetic mean and has none.
    """
    if frame.weight is None:
        return Frame(_values(frame.value, groups, combine))
    if combine is Combine.LATEST:
        return _latest(frame.weighed(), groups)
    absent = np.isnan(frame.value)
    some_absent = bool(absent.any())
    weight = np.where(absent, np.nan, frame.weight) if some_absent else frame.weight
    parts = frame.numerator
    if parts is None:
        # A quotient by 0 is an infinity of weight 0, and their product is no number.
        with np.errstate(over="ignore", invalid="ignore"):
            parts = frame.value * frame.weight
    numerator = np.where(absent, np.nan, parts) if some_absent else parts
    total_weight = groups.sums(weight)
    total_numerator = groups.sums(numerator)
    if combine is not Combine.AVERAGE:
        value = _values(frame.value, groups, combine)
        if not groups.are_single:
            single = groups.counts(~absent) == 1
            with np.errstate(over="ignore", invalid="ignore"):
                total_numerator = np.where(single, total_numerator, value * total_weight)
        return Frame(value, total_numerator, total_weight)
    if groups.are_single:
        # Where there is no weight there is no numerator; their sums are absent together.
        lacking = np.isnan(total_weight)
        return Frame(
            groups.spread(frame.value),
            np.where(lacking, np.nan, total_numerator) if lacking.any() else total_numerator,
            total_weight,
        )
    single = groups.counts(~absent) == 1
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        value = total_numerator / total_weight
    value = np.where(single, groups.only(frame.value), value)
    lacks_weight = ~absent & np.isnan(weight)
    if not lacks_weight.any():
        return Frame(value, total_numerator, total_weight)
    lacking = groups.counts(lacks_weight) > 0
    return Frame(
        np.where(lacking & ~single, _values(frame.value, groups, combine), value),
        np.where(lacking, np.nan, total_numerator),
        np.where(lacking, np.nan, total_weight),
    )


def _latest(frame: Frame, groups: Groups) -> Frame:
    """The last sample of each group, with what it is made of."""
    last = groups.last(frame.value)
    absent = np.full(1, np.nan)
    value, numerator, weight = (
        None if column is None else np.append(column, absent)[last]
        for column in (frame.value, frame.numerator, frame.weight)
    )
    assert value is not None  # noqa: S101 - of three columns only two may be None
    return Frame(value, numerator, weight)


def _values(values: FloatArray, groups: Groups, combine: Combine) -> FloatArray:
    match combine:
        case Combine.MAXIMUM | Combine.MINIMUM:
            return groups.extremes(values, combine)
        case Combine.SUM:
            return groups.sums(values)
        case Combine.LATEST:
            return groups.only(values)
        case _:
            sums = groups.sums(values)
            if groups.are_single:
                return sums
            with np.errstate(invalid="ignore"):
                return sums / groups.counts(~np.isnan(values))
