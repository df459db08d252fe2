"""How functions are implemented: three kinds, by what they need to see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.arrays import BoolArray, FloatArray
from app.promql.annotations import Annotations
from app.promql.ast import Call
from app.promql.reader import Budget
from app.promql.series import Steps, Vector, Windows


@dataclass(frozen=True, slots=True)
class CallContext:
    """The call that is evaluated, and what surrounds it.

    ``delays_names`` says that names are only marked where a function drops them.
    """

    call: Call
    steps: Steps
    annotations: Annotations
    budget: Budget
    delays_names: bool = False


Argument: TypeAlias = Vector | FloatArray | str
"""An evaluated argument: an instant vector, a scalar at each step (shape (T,)), or a string."""

Columns: TypeAlias = tuple[FloatArray, BoolArray]
"""Values and where they are present, both of shape (S, T)."""

ValueFunction: TypeAlias = Callable[..., FloatArray]
"""``f(values, *scalars)``: sample by sample; values of shape (S, T), scalars of shape (T,).

The metric's name is dropped by the caller. ``abs``, ``clamp``, ``round``, ``hour``, …
"""

RangeFunction: TypeAlias = Callable[[Windows, Sequence[FloatArray], CallContext], Columns]
"""Windows to one value each; the scalars are the call's other arguments in their order.

The metric's name is dropped by the caller except for those in ``KEEPS_NAME``.
"""

VectorFunction: TypeAlias = Callable[[CallContext, Sequence[Argument]], Vector | FloatArray]
"""Whatever looks at labels or at all series together: ``label_replace``, ``histogram_quantile``,
``absent``, ``sort``, ``scalar``, ``vector``, ``time``. It drops names itself where it must. One
that is called like a range function is given the vector which that makes of all windows."""
