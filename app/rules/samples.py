"""From points to samples: which value a family shows, and points that give several samples."""

from collections.abc import Iterator

import numpy as np

from app.arrays import FloatArray, IntArray
from app.mal import Frame
from app.otlp.decimals import java_text
from app.otlp.histograms import ZERO_COUNT, upper_bound
from app.otlp.quantiles import quantile_of
from app.rules.families import EXPANSIONS, Column, Selection, extra_suffix
from app.rules.minute import CodedNames, MinutePoints


def selected_samples(points: MinutePoints, rows: IntArray, selection: Selection) -> Frame:
    """One sample of each point: the value that the family shows."""
    match selection.column:
        case Column.SUM | Column.VALUE:
            return Frame(points.total[rows])
        case Column.COUNT:
            return Frame(points.count[rows])
        case Column.MINIMUM:
            return Frame(points.minimum[rows])
        case Column.MAXIMUM:
            return Frame(points.maximum[rows])
        case Column.AVERAGE:
            total, count = points.total[rows], points.count[rows]
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.where(count > 0, total / count, np.nan)
            return Frame(value, total, count)
        case _:
            return Frame(_extra(points, selection.extra)[rows])


def is_expanded(selection: Selection) -> bool:
    """Whether a point gives several samples of the family."""
    return selection.column in EXPANSIONS


def expanded_samples(
    points: MinutePoints, rows: IntArray, selection: Selection
) -> Iterator[tuple[int, str, float]]:
    """(point, text of the label, value) of every bucket or quantile of these points."""
    wanted = np.zeros(len(points.series_id), np.bool_)
    wanted[rows] = True
    if selection.column is Column.QUANTILE:
        for text, column in (("0.0", points.minimum), ("1.0", points.maximum)):
            for point in rows[~np.isnan(column[rows])].tolist():
                yield point, text, float(column[point])
    label_text = _bucket if selection.column is Column.BUCKET else _quantile
    for number in np.flatnonzero(wanted[points.extra_row]).tolist():
        found = label_text(points.extra_name[number])
        if found is not None:
            yield int(points.extra_row[number]), found, float(points.extra_value[number])


def _bucket(statistic: str) -> str | None:
    bound = 0.0 if statistic == ZERO_COUNT else upper_bound(statistic)
    return None if bound is None else java_text(bound)


def _quantile(statistic: str) -> str | None:
    quantile = quantile_of(statistic)
    return None if quantile is None else java_text(quantile)


def _extra(points: MinutePoints, suffix: str) -> FloatArray:
    values = np.full(len(points.series_id), np.nan)
    coded = CodedNames.of(points.extra_name)
    wanted = np.array([extra_suffix(name) == suffix for name in coded.names], np.bool_)
    if wanted.any():
        matching = np.flatnonzero(wanted[coded.code])
        values[points.extra_row[matching]] = points.extra_value[matching]
    return values
