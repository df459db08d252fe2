"""Series to be read, and which blocks may hold points of them."""

import sqlalchemy as sa

from app.arrays import IntArray
from app.storage.column_reader import id_list
from app.storage.id_sets import holds_any, overlap
from app.storage.series_groups import ids_by_group

# Of more series than this, groups are not looked up, but all are looked at.
_MOST_LOOKUPS = 5_000
# Of more groups than this, blocks of each are read for the series of all: statements have limits.
_MOST_GROUPS = 50


class SeriesChoice:
    """Series by their ids, ascending, and by group; None means all.

    A block has series of one group, between whose ids those of other groups lie.
    """

    def __init__(self, connection: sa.Connection, series_ids: IntArray | None) -> None:
        self.series_ids = series_ids
        self.groups: dict[int, IntArray] | None = None
        if series_ids is not None and len(series_ids) <= _MOST_LOOKUPS:
            self.groups = ids_by_group(connection, series_ids)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be read; series that are in no table have no group."""
        if self.series_ids is None:
            return False
        return not len(self.series_ids) or self.groups == {}

    @property
    def condition(self) -> str:
        """One more on rows with ``group_id``, ``first_series`` and ``last_series``."""
        if self.groups is None:
            return overlap("first_series", "last_series", self.series_ids)
        if not self.groups:
            return " AND 1 = 0"
        condition = f" AND group_id IN ({id_list(self.groups)})"
        if len(self.groups) > _MOST_GROUPS:
            return condition + overlap("first_series", "last_series", self.series_ids)
        of_groups = (
            f"group_id = {group}{overlap('first_series', 'last_series', ids)}"
            for group, ids in self.groups.items()
        )
        return f"{condition} AND ({' OR '.join(of_groups)})"

    def may_hold(self, group: int, first: int, last: int) -> bool:
        """Whether any of the series may be in a block of a group, by the range of its ids."""
        wanted = self.series_ids if self.groups is None else self.groups.get(group)
        if wanted is None:
            return self.groups is None
        return holds_any(first, last, wanted)
