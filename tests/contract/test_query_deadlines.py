"""A query's time limit holds inside statements and lists too, on both engines."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from app.clock import LAST_MS, SystemClock
from app.errors import QueryCanceled, QueryTimeout
from app.promql.ast import Matcher, MatchOperator
from app.promql.limits import Deadline
from app.query.prometheus import PrometheusCatalog, PrometheusData
from tests.fixtures.house import House, house
from tests.fixtures.rollups import capacity, deliver, rules
from tests.fixtures.ticking import Ticking

ENDLESS = sa.text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n"
)

MANY = [[Matcher("a", MatchOperator.NOT_EQUAL, str(number))] for number in range(20)]
EVER = (-1, LAST_MS)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def inside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    database = f"sqlite:///{tmp_path_factory.mktemp('deadlines') / 'hydrant.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        server.create_database("query_deadlines")
        database = server.url("query_deadlines")
    with house(database, rules()) as made:
        deliver(made, capacity(0, 1.0, table="orders"), request_id="1")
        yield made


class Gone:
    """The deadline of a client that goes away after some looks at it."""

    left_seconds = 60.0

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise QueryCanceled("its client has gone")


def test_a_statement_ends_at_the_deadline(inside: House) -> None:
    with (
        pytest.raises(QueryTimeout, match=r"longer than 0\.2 seconds.*QUERY_TIMEOUT_SECONDS"),
        inside.store.read(deadline=Deadline(0.2, SystemClock())) as connection,
    ):
        connection.execute(ENDLESS)
    # The connection serves the next reader, without that deadline.
    with inside.store.read() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
        if connection.dialect.name == "postgresql":
            assert connection.execute(sa.text("SHOW statement_timeout")).scalar() == "1min"


def test_the_wait_for_a_connection_ends_at_the_deadline(inside: House) -> None:
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(inside.store.read(deadline=Deadline(5, SystemClock())))
        with (
            pytest.raises(QueryTimeout),
            inside.store.read(deadline=Deadline(0.1, SystemClock())),
        ):
            raise AssertionError("there was another connection")
        # The evaluator's does not depend on readers.
        with inside.store.read(reserved=True) as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    with inside.store.read(deadline=Deadline(10, SystemClock())) as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_sqlite_ends_a_statement_whose_client_has_gone(inside: House) -> None:
    with inside.store.read() as connection:
        if connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL's statements end at the deadline alone")
    with (
        pytest.raises(QueryCanceled),
        inside.store.read(deadline=Gone(looks=3)) as connection,
    ):
        connection.execute(ENDLESS)


LISTS: dict[str, Callable[[PrometheusCatalog], object]] = {
    "series": lambda catalog: catalog.series(MANY, *EVER),
    "labels": lambda catalog: catalog.label_names(MANY, *EVER),
    "values": lambda catalog: catalog.label_values("TableName", MANY, *EVER),
    "metadata": lambda catalog: catalog.metadata(),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_keep_to_the_time_limit(inside: House, name: str) -> None:
    data = PrometheusData(inside.store, lambda: inside.rules.current().definitions)
    with data.open(Deadline(60, SystemClock())) as opened:
        assert LISTS[name](opened.catalog)
    with pytest.raises(QueryTimeout), data.open(Deadline(10, Ticking())) as opened:
        LISTS[name](opened.catalog)


def test_a_list_ends_when_its_client_has_gone(inside: House) -> None:
    data = PrometheusData(inside.store, lambda: inside.rules.current().definitions)
    with pytest.raises(QueryCanceled), data.open(Gone(looks=5)) as opened:
        LISTS["series"](opened.catalog)
