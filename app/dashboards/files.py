"""Files of dashboards: ``*.yaml`` below a directory, one dashboard each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.dashboards.model import Dashboard
from app.dashboards.reading import read_dashboard
from app.errors import DashboardError, RuleError
from app.rules.documents import Item
from app.rules.files import MOST_ERRORS, read_rule_text, rule_paths
from app.rules.yaml_nodes import read_yaml
from app.settings import DEFAULT_DASHBOARDS


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is no dashboard, and all that is wrong with it.

    ``uid`` is the one that the file gives as far as it can be read, otherwise its name.
    """

    file: str
    uid: str
    errors: tuple[DashboardError, ...]

    @property
    def place(self) -> str:
        """File, line and column of the first error; what of these is known."""
        first = self.errors[0]
        return ":".join(str(part) for part in (self.file, first.line, first.column) if part)

    @property
    def message(self) -> str:
        """What is wrong there, without the place."""
        return self.errors[0].reason


def directories(own: Path | None) -> tuple[Path, ...]:
    """The directory of shipped dashboards, and one's own after it (``HYDRANT_DASHBOARDS``)."""
    return (DEFAULT_DASHBOARDS,) if own is None else (DEFAULT_DASHBOARDS, own)


def load_dashboards(directory: Path) -> tuple[Dashboard, ...]:
    """The dashboards of a directory by title. Raises ``DashboardError``, the first one."""
    found, faults = read_dashboard_files(dashboard_paths(directory))
    if faults:
        raise faults[0].errors[0]
    return by_title(found)


def by_title(dashboards: Iterable[Dashboard]) -> tuple[Dashboard, ...]:
    """Dashboards in the order in which people look for them."""
    return tuple(sorted(dashboards, key=lambda each: (each.title.casefold(), each.uid)))


def dashboard_paths(directory: Path) -> dict[str, Path]:
    """The files below a directory by path. Raises ``DashboardError`` if there is no directory."""
    try:
        found = rule_paths(directory)
    except RuleError as error:
        raise DashboardError(f"the directory of dashboards {directory} does not exist") from error
    return {str(path): path for path in found.values()}


def find_dashboard_files(paths: Iterable[Path]) -> dict[str, Path]:
    """The files among ``paths`` and below those that are directories, each under its path.

    Raises ``DashboardError`` for a path that does not exist.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            found.update(dashboard_paths(path))
        elif path.is_file():
            found[str(path)] = path
        else:
            raise DashboardError(f"{path} does not exist")
    return found


def read_dashboard_file(path: Path, name: str) -> Dashboard | Fault:
    """The dashboard of a file, or what is wrong with it. ``name`` is told as its place."""
    text, uid = "", path.stem
    errors: list[RuleError] = []
    dashboard = None
    try:
        text = read_rule_text(path, name)
        item = Item(read_yaml(text))
        uid = _uid(item) or uid
        dashboard = read_dashboard(item, name, errors)
    except RuleError as error:
        errors.append(error)
    if dashboard is not None:
        return dashboard
    return Fault(name, uid, _told(errors, name, text))


def read_dashboard_files(paths: Mapping[str, Path]) -> tuple[list[Dashboard], list[Fault]]:
    """Files by name; of several with the same uid the first one is a dashboard."""
    dashboards: dict[str, Dashboard] = {}
    faults: list[Fault] = []
    for name, path in paths.items():
        read = read_dashboard_file(path, name)
        if isinstance(read, Fault):
            faults.append(read)
        elif (other := dashboards.get(read.uid)) is not None:
            message = f"the uid {read.uid} is also that of {other.place}"
            faults.append(Fault(name, path.stem, (DashboardError(message, file=name),)))
        else:
            dashboards[read.uid] = read
    return list(dashboards.values()), faults


def _uid(item: Item) -> str:
    """The uid of a file whatever else is wrong with it; empty without one."""
    try:
        pairs = item.pairs()
        return next((value.text() for key, value in pairs if key.text() == "uid"), "")
    except RuleError:
        return ""


def _told(errors: list[RuleError], name: str, text: str) -> tuple[DashboardError, ...]:
    """Errors in the order of their places, each with file, line and the line's text."""
    distinct = {(error.line, error.column, error.reason): error for error in errors}
    ordered = [error for _, error in sorted(distinct.items(), key=lambda pair: pair[0][:2])]
    told = [
        DashboardError(error.reason, line=error.line, column=error.column).in_file(name, text)
        for error in ordered[:MOST_ERRORS]
    ]
    if len(ordered) > MOST_ERRORS:
        more = f"more than {MOST_ERRORS} errors in this file; the others are not told"
        told.append(DashboardError(more, file=name))
    return tuple(told)
