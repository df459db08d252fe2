"""Warnings and infos that a query collects beside its result."""

from collections.abc import Iterator


class Annotations:
    """Remarks on a query: each once, in the order in which they came up.

    Warnings say that the result may be wrong, infos that the question may not be what was meant;
    the HTTP API and Grafana show both. They are worded as Prometheus words them where it has the
    same one, without its prefixes ``PromQL warning:`` and ``PromQL info:``.
    """

    def __init__(self) -> None:
        self._warnings: dict[str, None] = {}
        self._infos: dict[str, None] = {}

    def warn(self, message: str) -> None:
        """Add a warning."""
        self._warnings[message] = None

    def inform(self, message: str, detail: str = "") -> None:
        """Add an info; the detail is shown together with a place in the query alone."""
        del detail
        self._infos[message] = None

    @property
    def warnings(self) -> list[str]:
        """All warnings, with their prefix."""
        return list(_prefixed("PromQL warning: ", self._warnings))

    @property
    def infos(self) -> list[str]:
        """All infos, with their prefix."""
        return list(_prefixed("PromQL info: ", self._infos))


def _prefixed(prefix: str, messages: dict[str, None]) -> Iterator[str]:
    return (prefix + message for message in messages)
