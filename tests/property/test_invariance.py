"""Promise 2: the same data gives the same result.

A random stream of several accounts, in CloudWatch's formats and OpenTelemetry's own, with restated,
late and duplicate points, is cut into random requests in random order. Minutes are evaluated,
buckets rolled up and the server restarted at random moments. When all has settled, points, extra
statistics, values and tiers are bit-identical to one delivery of everything in order, on both
engines.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.otlp import Encoding
from app.rules import RuleFile, load_rule_directory
from app.settings import DEFAULT_RULES
from app.simulator import Format, Point, encode_records
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import downgrade
from app.storage.tables import VIEWS
from tests.fixtures.house import House, house
from tests.fixtures.streams import (
    ACCOUNT_RULES,
    SERVICE_RULES,
    TABLE_RULES,
    Draws,
    Exported,
    Item,
    export_body,
    rules,
)

Contents = dict[str, list[str]]

# What the views leave out: what averages are made of.
PARTS = {
    f"metric_value{tier}": "SELECT m.name, e.layer, e.service, e.endpoint, e.region, l.labels,"
    f" v.minute, v.value, v.numerator, v.weight FROM value_rows{tier} v"
    " JOIN metric m ON m.metric_id = v.metric_id JOIN entity e ON e.entity_id = v.entity_id"
    " JOIN label_set l ON l.label_set_id = v.label_set_id"
    for tier in ("", "_5m", "_1h")
}
OWN = {
    *(f"table_{name}" for name in TABLE_RULES),
    *(f"account_{name}" for name in ACCOUNT_RULES),
    *(f"service_{name}" for name in SERVICE_RULES),
}


ONE_BY_ONE = 8


@cache
def all_rules() -> list[RuleFile]:
    """The rules that are shipped for DynamoDB, and those that go to the ends of the language."""
    return [*load_rule_directory(DEFAULT_RULES / "aws-dynamodb"), *rules()]


def deliver(inside: House, items: Sequence[Item], written: tuple[Format, Encoding]) -> None:
    """Deliver items as one Firehose request and one export; nothing of them is lost."""
    points = [item for item in items if isinstance(item, Point)]
    exported = [item for item in items if isinstance(item, Exported)]
    if points:
        inside.post(encode_records(points, written[0]), f"{hash(tuple(points))}")
    if exported:
        body = export_body(exported, written[1])
        receipt = inside.ingest.store(inside.ingest.open_export(body, written[1]))
        assert (receipt.points, receipt.rejections) == (len(exported), ())


def settled(inside: House) -> Contents:
    """Everything that must not depend on how the data came, once there is nothing left to do."""
    found = {name: list(map(repr, rows)) for name, rows in inside.contents().items()}
    found |= {name: sorted(map(repr, inside.rows(query))) for name, query in PARTS.items()}
    for table in ("quarantine", "dirty_minute", "dirty_rollup"):
        assert inside.rows(f"SELECT * FROM {table}") == []
    return found


def in_one_delivery(database: str, items: Sequence[Item]) -> Contents:
    with house(database, all_rules()) as inside:
        deliver(inside, items, (Format.JSON, Encoding.PROTOBUF))
        return settled(inside)


def requests(items: Sequence[Item], draws: Draws) -> Iterator[list[Item]]:
    """The items in random order and random requests, some of them again; at last one by one."""
    random = draws.random
    shuffled = random.sample(items, len(items))
    left, last = shuffled[ONE_BY_ONE:], shuffled[:ONE_BY_ONE]
    while left:
        if random.random() < 0.3:
            minute = left[0].start_ms // 60_000
            request = [item for item in left if item.start_ms // 60_000 == minute]
            left = [item for item in left if item.start_ms // 60_000 != minute]
        else:
            size = random.choice((1, 10, 100, 300))
            request, left = left[:size], left[size:]
        # Some of it will come again, in another request and perhaps in another format.
        left += random.sample(request, len(request) // 4) if random.random() < 0.3 else []
        yield request
    for item in last:
        yield [item]


def as_streamed(database: str, items: Sequence[Item], draws: Draws) -> Contents:
    """The items in random requests, and whatever may happen between them."""
    random = draws.random
    passed = 0
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(house(database, all_rules()))
        for request in requests(items, draws):
            written = random.choice(tuple(Format)), random.choice(tuple(Encoding))
            for _ in range(random.choice((1, 1, 2))):
                deliver(inside, request, written)
            # What comes alone is seen alone: nothing else then happens to be evaluated with it.
            if len(request) == 1 or random.random() < 0.4:
                inside.evaluator.evaluate_dirty()
            if random.random() < 0.15:
                inside.clock.advance(900)
                passed += 900
                inside.rollups.run_once()
            if random.random() < 0.25:
                stack.close()
                rows = random.choice((60, 100_000))
                inside = stack.enter_context(house(database, all_rules(), rows_at_once=rows))
                inside.clock.advance(passed)
        return settled(inside)


@contextlib.contextmanager
def new_sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        yield f"sqlite:///{Path(directory) / 'hydrant.db'}"


def check(database: str, seed: int, minutes: int) -> None:
    draws = Draws(seed)
    items = draws.items(minutes)
    streamed = as_streamed(database, items, draws)
    with new_sqlite() as other:
        expected = in_one_delivery(other, items)
    for name in expected:
        assert streamed[name] == expected[name], name
        assert expected[name], f"{name} is empty"


# A seed stands for thousands of draws, which hypothesis could make but not shrink in any time.
SEEDS = st.integers(0, 2**32)
MINUTES = st.integers(6, 9)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@given(seed=SEEDS, minutes=MINUTES)
@settings(max_examples=2, deadline=None, phases=PHASES)
def test_requests_order_duplicates_and_restarts_change_nothing(seed: int, minutes: int) -> None:
    with new_sqlite() as database:
        check(database, seed, minutes)


@given(seed=SEEDS, minutes=MINUTES)
@settings(
    max_examples=1,
    deadline=None,
    phases=PHASES,
    # The database is emptied by the test itself before each example.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_postgresql_gives_what_sqlite_gives(seed: int, minutes: int, postgresql_url: str) -> None:
    engine = writer_engine(parse_database_url(postgresql_url))
    try:
        with engine.connect() as connection:
            exists = sa.inspect(connection).has_table("alembic_version")
        if exists:
            downgrade(engine, "base")
    finally:
        engine.dispose()
    check(postgresql_url, seed, minutes)


def test_the_stream_has_values_of_every_rule() -> None:
    with new_sqlite() as database:
        found = in_one_delivery(database, Draws(1).items(12))
    metrics = {row.split("'")[1] for row in found["v_values"]}
    assert metrics >= OWN
    assert set(found) == {*VIEWS, *PARTS}
