"""``python -m app.grafana DIRECTORY``: write every dashboard, and remove those that are gone."""

import sys
from pathlib import Path

from app.dashboards import load_dashboards
from app.grafana import render
from app.settings import DEFAULT_DASHBOARDS


def write_dashboards(directory: Path) -> list[Path]:
    """Write a file for each dashboard; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    texts = {f"{item.uid}.json": render(item) for item in load_dashboards(DEFAULT_DASHBOARDS)}
    for old in directory.glob("*.json"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return [directory / name for name in texts]


def main() -> None:
    """Write the dashboards into the directory that is named."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its argument
        sys.exit("usage: python -m app.grafana DIRECTORY")
    for path in write_dashboards(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
