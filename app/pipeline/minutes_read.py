"""Points of minutes, each read once, for as long as marks that were seen before stand for changes.

Whatever is committed later leaves a mark of its own, so that the minute, and the minutes that look
back at it, are evaluated again.
"""

from collections import OrderedDict
from collections.abc import Callable

from app.clock import MILLISECONDS_PER_MINUTE
from app.rules import MinutePoints
from app.storage import Connection, minutes_with_points

ReadMinute = Callable[[Connection, int], MinutePoints]


class MinutesRead:
    """The minutes read last; as many as the longest range that was asked for, and one."""

    def __init__(self, read: ReadMinute) -> None:
        self._read = read
        self._points: OrderedDict[int, MinutePoints] = OrderedDict()
        self._most = 1

    def minute(self, connection: Connection, minute: int) -> MinutePoints:
        """The points of a minute."""
        points = self._points.get(minute)
        if points is None:
            points = self._points[minute] = self._read(connection, minute)
        self._points.move_to_end(minute)
        while len(self._points) > self._most:
            self._points.popitem(last=False)
        return points

    def minutes(self, connection: Connection, first: int, last: int) -> list[MinutePoints]:
        """The points of the minutes from ``first`` to ``last``, both included, that have any."""
        self._most = max(self._most, last - first + 2)
        bounds = first * MILLISECONDS_PER_MINUTE, (last + 1) * MILLISECONDS_PER_MINUTE
        found = minutes_with_points(connection, *bounds)
        return [self.minute(connection, minute) for minute in found]
