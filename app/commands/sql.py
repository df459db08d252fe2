"""``hydrant sql``: one query of one's own, with the views, and without changing anything."""

import sys
from contextlib import closing
from itertools import islice
from typing import Annotated

import typer

from app.commands.options import Database, SettingsFile
from app.commands.sql_output import Format


class _Deadline:
    def __init__(self, seconds: float) -> None:
        from app.clock import SystemClock

        self._clock = SystemClock()
        self._seconds = seconds
        self._end = self._clock.monotonic() + seconds

    @property
    def left_seconds(self) -> float:
        return self._end - self._clock.monotonic()

    def check(self) -> None:
        from app.errors import QueryTimeout

        if self.left_seconds < 0:
            raise QueryTimeout(
                f"the query took longer than {self._seconds:g} seconds: give it a range of minute"
                " and a metric, or more time with --timeout"
            )


def sql(
    query: Annotated[str, typer.Argument(help="The query; - reads it from standard input")],
    *,
    form: Annotated[Format, typer.Option("--format", help="How rows are printed")] = Format.TABLE,
    limit: Annotated[
        int, typer.Option(min=0, help="Rows to print at most; 0 prints all of them")
    ] = 100_000,
    timeout: Annotated[
        float, typer.Option(min=0.001, max=86_400, help="Seconds that the query may take")
    ] = 60.0,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Run one SQL query, on the views too, which plain SQLite cannot read; changes nothing."""
    from app.errors import ResultTooLarge
    from app.settings import load_settings
    from app.storage import Store, run_sql

    if query == "-":
        query = sys.stdin.read()
    store = Store(load_settings(settings_file, database=database).database, readers=1, create=False)
    try:
        store.check()
        with store.read(deadline=_Deadline(timeout)) as connection:
            result = run_sql(connection, query)
            output = form.output(sys.stdout, result.columns)
            with closing(result.rows) as rows:
                for row in islice(rows, limit or None):
                    output.add(row)
                more = bool(limit) and next(rows, None) is not None
        output.end()
    finally:
        store.close()
    if more:
        raise ResultTooLarge(
            f"there are more rows than these {limit}: narrow the query, or raise --limit"
        )
