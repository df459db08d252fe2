"""The dashboards over more time than minutes are kept for: they read longer buckets and say so."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.dashboards import Dashboard, load_dashboards
from app.pipeline import Maintenance, Retention
from app.settings import DEFAULT_DASHBOARDS
from app.simulator import Format, encode_records
from app.storage import Tier
from tests.fixtures.grafana import WITHOUT_DATA, View, choose, empty_panels, watched
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rest import ask

DAY_MS = 86_400_000
STEP_MS = 7_200_000
MOMENT_MS = (NOW_MS - 20 * DAY_MS) // STEP_MS * STEP_MS
"""A step of the graphs, twenty days ago; the data ends there."""

KEPT = {Tier.MINUTE: 15, Tier.FIVE_MINUTES: 63, Tier.HOUR: 455}
# What the other dashboards ask is like what these ask.
SOME = {"hydrant-dynamodb-account", "hydrant-dynamodb-operation", "hydrant-stream-health"}
TOLD = r"PromQL info: minutes are kept since .*, so it reads buckets of 5 minutes: "


class Routes:
    """Asks the routes over a house as a client of HTTP would."""

    def __init__(self, inside: House) -> None:
        self._inside = inside

    def get(self, url: str, *, params: dict[str, Any]) -> httpx.Response:
        return ask(self._inside, f"{url}?{httpx.QueryParams(params)}")

    def post(self, url: str, *, data: dict[str, Any]) -> httpx.Response:
        return ask(self._inside, url, form=data)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Routes]:
    """A house whose minutes have been rolled up and deleted."""
    with house(f"sqlite:///{tmp_path_factory.mktemp('month') / 'hydrant.db'}") as inside:
        inside.post(encode_records(watched(MOMENT_MS, 10), Format.OPENTELEMETRY_1_0))
        inside.evaluator.evaluate_dirty()
        inside.rollups.run_once()
        Maintenance(inside.store, inside.clock, inside.lease, Retention(48, 30, KEPT)).run_once()
        assert inside.rows("SELECT count(*) FROM v_points") == [(0,)]
        yield Routes(inside)


@pytest.mark.parametrize(
    "dashboard",
    [dashboard for dashboard in load_dashboards(DEFAULT_DASHBOARDS) if dashboard.uid in SOME],
    ids=lambda item: item.uid,
)
def test_every_panel_has_data_and_says_what_it_reads(client: Routes, dashboard: Dashboard) -> None:
    view = View((NOW_MS - 30 * DAY_MS) // 1000, NOW_MS // 1000, STEP_MS // 1000)
    chosen = choose(client, view, dashboard, everything=True)
    empty = empty_panels(client, view, dashboard, chosen, TOLD)
    assert empty == WITHOUT_DATA.get(dashboard.uid, set())
