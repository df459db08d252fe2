"""Figures of a table and of its indexes, as rows of a list."""

from collections.abc import Mapping, Sequence

from app.dynamodb.figure_kinds import TABLE_FIGURES
from app.dynamodb.report import ResourceReport


def figure_rows(report: ResourceReport) -> list[Mapping[str, object]]:
    """Every figure that the resource has, in the order in which REST describes them."""
    return [
        {
            "name": kind.name,
            "description": kind.description,
            "unit": kind.unit,
            "source": f"{kind.statistic} of {kind.metric}",
            "value": figure.value,
            "latest": figure.latest,
            "peak": figure.peak,
            "peak_ms": figure.peak_ms,
        }
        for kind in TABLE_FIGURES
        if (figure := report.figures.get(kind.name)) is not None
    ]


def mode_of(reports: Sequence[ResourceReport]) -> str:
    """The capacity mode of the table, as far as it was delivered."""
    figures = next((each.figures for each in reports if not each.resource.index), {})
    if "provisioned_read_capacity" in figures or "provisioned_write_capacity" in figures:
        return "Provisioned"
    return "On demand" if figures else ""
