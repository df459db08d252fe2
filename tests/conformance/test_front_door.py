"""The same samples and questions for a real Prometheus and for a real Hydrant, from end to end.

Hydrant gets the generated series by OTLP/HTTP and a simulated account by Firehose, in all formats,
late and restated points among them, while it rolls minutes up and packs hours. Both are asked
through their HTTP APIs.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from app.simulator import Point
from tests.e2e.deliveries import envelope
from tests.fixtures.exports import OTLP_PATH, PROTOBUF
from tests.fixtures.postgresql import PostgresqlServer
from tests.fixtures.prometheus import running_prometheus
from tests.fixtures.promql_catalogue import Answer, Request, answer, requests
from tests.fixtures.promql_cloudwatch import (
    START_MS,
    Account,
    cloudwatch_questions,
    records_in_each_format,
)
from tests.fixtures.promql_data import GeneratedSeries, generate_series
from tests.fixtures.promql_questions import generate_questions
from tests.fixtures.promql_replies import HttpRespondent, Question, Reply, difference
from tests.fixtures.promql_wire import as_export, carried, over_the_wire
from tests.fixtures.server import ACCESS_KEY, KEPT_FOR_EVER, RunningServer

OTLP_EVERY = 5
CLOUDWATCH_QUESTIONS = 260
pytestmark = pytest.mark.e2e

SEED = 5
PACKING_SECONDS = 60.0
PACKED_MINUTE = (START_MS // 3_600_000 + 1) * 60
ENGINES = ("sqlite", "postgresql")
Asked = dict[str, list[tuple[Question, Reply]]]
Listed = list[tuple[Request, Answer]]


def test_answers_are_those_of_prometheus(
    postgresql_server: PostgresqlServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    series, account = carried(generate_series(SEED)), Account()
    with ExitStack() as stack:
        servers = {
            engine: stack.enter_context(_server(engine, postgresql_server, tmp_path))
            for engine in ENGINES
        }
        for server in servers.values():
            _deliver(server, account.before_packing(), "early")
            _export(server, series)
        # While the servers roll up and pack what they have.
        asked, listed = _answers_of_prometheus([*series, *account.series()], tmp_path)
        for server in servers.values():
            _await_packing(server)
            _deliver(server, account.after_packing(), "late")
        # Above both is the same engine: of PostgreSQL a part of the questions is enough.
        faults = []
        for (engine, server), every in zip(servers.items(), (1, 5), strict=True):
            hydrant = stack.enter_context(closing(HttpRespondent(f"{server.url}/prometheus")))
            for what, questions in asked.items():
                found = _differences(hydrant, questions[::every])
                _report(capsys, f"{what}, {engine}", questions[::every], found)
                faults += found
            wrong = _listed_otherwise(hydrant, listed[::every])
            _tell(capsys, f"lists, {engine}", len(listed[::every]), len(wrong), "")
            faults += wrong
    assert not faults, "\n".join(faults)
    assert sum(bool(answer[2]) for _, answer in listed) > len(listed) / 2


@contextmanager
def _server(engine: str, postgresql: PostgresqlServer, directory: Path) -> Iterator[RunningServer]:
    """No rules, whose metrics Prometheus does not have; and all minutes are kept."""
    rules = directory / f"rules-{engine}"
    rules.mkdir()
    database = f"sqlite:///{directory / 'hydrant.db'}"
    if engine == "postgresql":
        postgresql.create_database("front_door")
        database = postgresql.url("front_door")
    settings = {"rules": rules, "allow_anonymous_reads": True, **KEPT_FOR_EVER}
    running = RunningServer(directory, database, **settings)
    running.start()
    try:
        yield running
    finally:
        running.close()
        if engine == "postgresql":
            postgresql.drop_database("front_door")


def _deliver(server: RunningServer, points: Sequence[Point], name: str) -> None:
    for number, records in enumerate(records_in_each_format(points)):
        assert server.deliver(envelope(records), f"{name}-{number}").status_code == 200


def _export(server: RunningServer, series: Sequence[GeneratedSeries]) -> None:
    response = server.client.post(
        OTLP_PATH,
        content=as_export(series).SerializeToString(),
        headers={"content-type": PROTOBUF, "x-amz-firehose-access-key": ACCESS_KEY},
    )
    assert (response.status_code, response.content) == (200, b"")


def _await_packing(server: RunningServer) -> None:
    deadline = time.monotonic() + PACKING_SECONDS
    while not server.rows(f"SELECT 1 FROM packed_hour WHERE minute = {PACKED_MINUTE}"):
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)


def _answers_of_prometheus(
    series: Sequence[GeneratedSeries], directory: Path
) -> tuple[Asked, Listed]:
    questions = {
        "OTLP": over_the_wire(generate_questions(SEED, 100))[::OTLP_EVERY],
        "Firehose": cloudwatch_questions(SEED, CLOUDWATCH_QUESTIONS),
    }
    with (
        running_prometheus(series, directory) as url,
        closing(HttpRespondent(url, version_2=True)) as prometheus,
    ):
        asked = {
            what: [(question, prometheus.ask(question)) for question in of_it]
            for what, of_it in questions.items()
        }
        return asked, [(each, answer(prometheus, each)) for each in requests()]


def _differences(hydrant: HttpRespondent, asked: Sequence[tuple[Question, Reply]]) -> list[str]:
    return [
        f"{question}: {text}"
        for question, reply in asked
        if (text := difference(question, reply, hydrant.ask(question)))
    ]


def _listed_otherwise(hydrant: HttpRespondent, listed: Listed) -> list[str]:
    return [
        f"{request}: {theirs!r:.600}, {ours!r:.600}"
        for request, theirs in listed
        if theirs != (ours := answer(hydrant, request))
    ]


def _report(
    capsys: pytest.CaptureFixture[str],
    what: str,
    asked: Sequence[tuple[Question, Reply]],
    differences: Sequence[str],
) -> None:
    kinds = Counter("an error" if reply.failed else reply.kind for _, reply in asked)
    empty = sum(not reply.series and not reply.failed and not reply.text for _, reply in asked)
    _tell(capsys, what, len(asked), len(differences), f"; {dict(kinds)}, {empty} without series")
    assert empty < 0.4 * len(asked)


def _tell(
    capsys: pytest.CaptureFixture[str], what: str, count: int, different: int, more: str
) -> None:
    passed = count - different
    with capsys.disabled():
        sys.stdout.write(
            f"\n{what}: {passed} of {count} answers are those of Prometheus"
            f" ({passed / count:.2%}){more}"
        )
