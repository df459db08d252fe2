"""From what a scanner met for the first time to identities: what series share is described once."""

import numpy as np

from app.catalog.describe import usual_dimensions, usual_head
from app.catalog.identity import SeriesIdentity
from app.catalog.origins import Origins
from app.otlp import Descriptions, NewSeries


def describe_all(new: NewSeries, origins: Origins) -> Descriptions[SeriesIdentity] | None:
    """Identities and the numbers of origins, those that ``describe`` gives of each by itself.

    None where a series is not of CloudWatch's usual form: then they are to be asked about singly.
    """
    heads = [head for row in new.head_first if (head := usual_head(new[row])) is not None]
    others = map(new.others, range(new.rests_met))
    rests = [rest for other in others if (rest := usual_dimensions(*other)) is not None]
    is_usual = len(heads) == len(new.head_first) and len(rests) == new.rests_met
    if not is_usual or min(new.head) < 0:
        return None
    identities = SeriesIdentity.of_each(
        map(heads.__getitem__, new.head), map(rests.__getitem__, new.rest)
    )
    # All that tells origins apart is in the head, but whether there are dimensions.
    has_any = np.array([bool(rest.pairs) for rest in rests], np.int64)
    kinds = 2 * np.array(new.head, np.int64) + has_any[np.array(new.rest, np.int64)]
    _, firsts, kind = np.unique(kinds, return_index=True, return_inverse=True)
    numbers = [origins.number(new[row], identities[row]) for row in firsts.tolist()]
    return Descriptions(identities, kind, firsts, np.array(numbers, np.int64))
