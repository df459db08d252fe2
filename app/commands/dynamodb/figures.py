"""Figures of reports as lines of a terminal."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from app.commands.dynamodb.printing import MISSING, moment, number, table_lines

if TYPE_CHECKING:
    from app.dynamodb.measured import Figure

_NUMBERS = ("value", "total", "latest", "peak")
MAIN_FIGURES = {
    "consumed_read_capacity": "read/s",
    "provisioned_read_capacity": "provisioned read",
    "consumed_write_capacity": "write/s",
    "provisioned_write_capacity": "provisioned write",
    "request_rate": "requests/s",
    "latency": "latency ms",
    "read_throttle_events": "read throttles",
    "write_throttle_events": "write throttles",
    "system_errors": "errors",
}
"""The figures of which a list of tables has columns, and their headings."""


def figure_lines(figures: "Mapping[str, Figure]") -> Iterator[str]:
    """A line for each figure, with its unit, statistic and description."""
    from app.dynamodb.figure_kinds import FIGURES

    columns = {"figure": False} | dict.fromkeys(_NUMBERS, True)
    columns |= dict.fromkeys(("peak at", "unit", "statistic", "description"), False)
    rows = []
    for name, figure in figures.items():
        kind = FIGURES[name]
        numbers = (figure.value, figure.total, figure.latest, figure.peak)
        rows.append(
            [
                name,
                *map(number, numbers),
                moment(figure.peak_ms),
                kind.unit,
                kind.statistic,
                kind.description,
            ]
        )
    yield from table_lines(columns, rows)


def main_values(figures: "Mapping[str, Figure]") -> list[str]:
    """The values of ``MAIN_FIGURES``."""
    found = (figures.get(name) for name in MAIN_FIGURES)
    return [MISSING if figure is None else number(figure.value) for figure in found]
