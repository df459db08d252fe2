"""Every panel and every variable of the dashboards, asked of a real server as Grafana asks."""

from collections.abc import Iterator

import pytest

from app.dashboards import Dashboard, load_dashboards
from app.settings import DEFAULT_DASHBOARDS
from app.simulator import Format, encode_records
from tests.e2e.deliveries import envelope
from tests.fixtures.grafana import OF_OTHERS, WITHOUT_DATA, View, choose, empty_panels, watched
from tests.fixtures.server import KEPT_FOR_EVER, RunningServer

pytestmark = pytest.mark.e2e

ALL = [each for each in load_dashboards(DEFAULT_DASHBOARDS) if each.uid not in OF_OTHERS]
MINUTES = 12
END = 1_727_784_000
"""Noon in UTC, and the same minutes every time: what is rare must have happened in them."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with minutes of a simulated account, of its metric stream and of its Firehose."""
    directory = tmp_path_factory.mktemp("grafana")
    running = RunningServer(
        directory,
        f"sqlite:///{directory / 'hydrant.db'}",
        allow_anonymous_reads=True,
        **KEPT_FOR_EVER,
    )
    running.start()
    try:
        records = encode_records(watched(END * 1000, MINUTES), Format.OPENTELEMETRY_1_0)
        assert running.deliver(envelope(records)).status_code == 200
        running.settle()
        yield running
    finally:
        running.close()


@pytest.mark.parametrize(("minutes", "everything"), [(1, True), (5, False)], ids=["1m", "5m"])
@pytest.mark.parametrize("dashboard", ALL, ids=lambda item: item.uid)
def test_every_panel_has_data_and_nothing_to_remark(
    server: RunningServer, dashboard: Dashboard, minutes: int, everything: bool
) -> None:
    view = View(END - (MINUTES + 10) * 60 + 17, END + 77, minutes * 60)
    chosen = choose(server.client, view, dashboard, everything=everything)
    assert empty_panels(server.client, view, dashboard, chosen) == WITHOUT_DATA.get(
        dashboard.uid, set()
    )
