"""What lies in a database of SQLite: bytes by table, with the pages they take, and by column."""

import sqlalchemy as sa

from bench.table import print_table

_PAGES = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
_OWNERS = "SELECT name, tbl_name, type FROM sqlite_master"
_LEAST = 0.05


def print_contents(connection: sa.Connection, points: int) -> None:
    """Print what takes a twentieth of a byte per point or more."""
    pages: dict[str, int] = dict(connection.exec_driver_sql(_PAGES).tuples().all())
    tables: dict[str, list[int]] = {}
    for name, table, kind in connection.exec_driver_sql(_OWNERS).tuples():
        sizes = tables.setdefault(table, [0, 0])
        sizes[kind == "index"] += int(pages.get(name, 0))
    ordered = sorted(tables.items(), key=lambda item: -sum(item[1]))
    print_table(
        ("table", "pages", "its indexes", "bytes of columns"),
        [
            (name, *(f"{size / points:.2f}" for size in sizes), _columns(connection, name, points))
            for name, sizes in ordered
            if sum(sizes) >= _LEAST * points
        ],
    )


def _columns(connection: sa.Connection, table: str, points: int) -> str:
    names = [row[1] for row in connection.exec_driver_sql(f'PRAGMA table_info("{table}")')]
    selected = ", ".join(f'sum(length("{name}"))' for name in names)
    sizes = connection.exec_driver_sql(f'SELECT {selected} FROM "{table}"').tuples().one()  # noqa: S608 - names of our own schema
    found = zip(names, (size or 0 for size in sizes), strict=True)
    return ", ".join(
        f"{name} {size / points:.2f}" for name, size in found if size >= _LEAST * points
    )
