"""Figures of reports as JSON and as rows."""

from collections.abc import Iterable, Mapping

from app.dynamodb.figure_kinds import FIGURES
from app.dynamodb.measured import Figure

FIGURE_COLUMNS = (
    "value",
    "total",
    "latest",
    "latest_at",
    "peak",
    "peak_at",
    "seconds",
    "metric",
    "statistic",
    "unit",
    "description",
)


def figure_content(name: str, figure: Figure) -> dict[str, object]:
    """A figure with what it means."""
    values = (
        figure.value,
        figure.total,
        figure.latest,
        figure.latest_ms,
        figure.peak,
        figure.peak_ms,
        figure.seconds,
        *described(name).values(),
    )
    return dict(zip(FIGURE_COLUMNS, values, strict=True))


def described(name: str) -> dict[str, str]:
    """What a figure means."""
    kind = FIGURES[name]
    return {
        "metric": kind.metric,
        "statistic": kind.statistic,
        "unit": kind.unit,
        "description": kind.description,
    }


def figures_content(figures: Mapping[str, Figure]) -> dict[str, dict[str, object]]:
    """Figures by name."""
    return {name: figure_content(name, figure) for name, figure in figures.items()}


def descriptions(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """What figures mean, by name."""
    return {name: described(name) for name in names}
