"""The parameter ``limit``: an answer cut after so many series, and a warning that says so."""

from dataclasses import replace

import numpy as np

from app.promql.answer import Answer
from app.promql.series import Samples, Vector

TRUNCATED = "results truncated due to limit"


def limited(answer: Answer, limit: int) -> Answer:
    """The first ``limit`` series of an answer; all of it if there are no more, or limit is 0."""
    if not limit:
        return answer
    if answer.vector is not None:
        rows = np.flatnonzero(answer.vector.present.any(axis=1))
        if len(rows) <= limit:
            return answer
        return _truncated(answer, vector=_rows(answer.vector, rows[:limit].tolist()))
    if answer.samples is not None:
        parts: list[Samples] = []
        left = limit
        for part in answer.samples:
            there = np.flatnonzero(part.present.any(axis=1)).tolist()
            parts.append(_part(part, there[:left]))
            if len(there) > left:
                return _truncated(answer, samples=parts)
            left -= len(there)
    return answer


def _truncated(
    answer: Answer, vector: Vector | None = None, samples: list[Samples] | None = None
) -> Answer:
    warnings = (*answer.warnings, TRUNCATED)
    return replace(answer, vector=vector, samples=samples, warnings=warnings)


def _rows(vector: Vector, rows: list[int]) -> Vector:
    labels = [vector.labels[row] for row in rows]
    return replace(vector, labels=labels, values=vector.values[rows], present=vector.present[rows])


def _part(part: Samples, rows: list[int]) -> Samples:
    labels = [part.labels[row] for row in rows]
    return replace(
        part, labels=labels, values=part.values[rows], present=part.present[rows], stale=None
    )
