"""What a query is answered with."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.arrays import FloatArray, IntArray
from app.promql.ast import ValueType
from app.promql.series import Samples, Vector


@dataclass(frozen=True, slots=True)
class Answer:
    """The result at ``times`` (T,), in milliseconds; an instant query has T = 1.

    Of an instant query ``value_type`` says which field is set: ``vector``, ``scalar`` (T,),
    ``string``, or, for a range vector, ``samples``. A range query always has a ``vector``; a scalar
    becomes a series without labels. Series come sorted by labels, over all parts of ``samples``,
    unless the vector is ``ordered``; rows without any sample are still there. The arrays may be
    views: do not write.
    ``warnings`` and ``infos`` are worded as Prometheus words them, with prefix, and with the place
    in the query where it was given as text.
    """

    value_type: ValueType
    times: IntArray
    vector: Vector | None = None
    scalar: FloatArray | None = None
    string: str | None = None
    samples: Sequence[Samples] | None = None
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
