"""Dashboards for tests, from text."""

from pathlib import Path
from textwrap import dedent

from app.dashboards import Dashboard, Fault
from app.dashboards.files import read_dashboard_file

SOUND = """\
uid: shop
title: Shop
variables:
  - name: account
    selector: requests
    label: account
  - name: queue
    selector: requests{account=~"$account"}
    label: queue
    multiple: false
rows:
  - title: Load
    widgets:
      - title: Requests
        queries:
          - expression: sum by (queue) (rate(requests{account=~"$account"}[$__interval]))
            legend: "queue {{queue}}"
"""


def read_text(directory: Path, text: str, name: str = "shop.yaml") -> Dashboard | Fault:
    """Read a dashboard whose file has this text."""
    path = directory / name
    path.write_text(dedent(text), "utf-8")
    return read_dashboard_file(path, name)


def sound(directory: Path, text: str = SOUND) -> Dashboard:
    """Read a dashboard without faults."""
    found = read_text(directory, text)
    assert isinstance(found, Dashboard), found.errors
    return found


def with_query(query: str, widget: str = "") -> str:
    """The dashboard with another query in its only widget, and further keys of the widget."""
    head, _, _ = SOUND.partition("        queries:")
    lines = "".join(f"        {line}\n" for line in widget.splitlines())
    body = query.replace("\n", "\n            ")
    return f"{head}{lines}        queries:\n          - {body}\n"
