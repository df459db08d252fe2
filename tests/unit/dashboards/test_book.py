"""The dashboards that there are while their files change."""

import threading
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.dashboards import DashboardBook
from tests.unit.dashboards.files import SOUND

OTHER = SOUND.replace("uid: shop", "uid: other").replace("title: Shop", "title: Again")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    directory = tmp_path / "shipped"
    directory.mkdir()
    (directory / "shop.yaml").write_text(SOUND)
    (directory / "other.yaml").write_text(OTHER)
    return directory


@pytest.fixture
def own(tmp_path: Path) -> Path:
    directory = tmp_path / "own"
    directory.mkdir()
    return directory


def titles(book: DashboardBook) -> list[str]:
    return [dashboard.title for dashboard in book.current().dashboards]


def test_dashboards_come_by_title(shipped: Path) -> None:
    book = DashboardBook([shipped], ManualClock())
    assert titles(book) == ["Again", "Shop"]
    found = book.current().get("shop")
    assert found
    assert found.title == "Shop"
    assert book.current().get("nothing") is None
    assert book.current().faults == ()


def test_a_file_of_ones_own_replaces_a_shipped_dashboard(shipped: Path, own: Path) -> None:
    (own / "mine.yaml").write_text(SOUND.replace("title: Shop", "title: My shop"))
    book = DashboardBook([shipped, own], ManualClock())
    assert titles(book) == ["Again", "My shop"]
    assert book.current().faults == ()


def test_changes_of_files_show_after_two_seconds(shipped: Path, own: Path) -> None:
    clock = ManualClock()
    book = DashboardBook([shipped, own], clock)
    before = book.current()
    (own / "new.yaml").write_text(OTHER.replace("uid: other", "uid: new"))
    clock.advance(1.9)
    assert book.current() is before
    clock.advance(0.2)
    assert titles(book) == ["Again", "Again", "Shop"]
    (own / "new.yaml").unlink()
    clock.advance(2.5)
    assert titles(book) == ["Again", "Shop"]
    unchanged = book.current()
    clock.advance(2.5)
    assert book.current() is unchanged


def test_a_broken_file_is_told_and_the_others_go_on(shipped: Path, own: Path) -> None:
    clock = ManualClock()
    book = DashboardBook([shipped, own], clock)
    mine = own / "mine.yaml"
    mine.write_text(SOUND.replace("title: Load", "titel: Load"))
    clock.advance(2.5)
    now = book.current()
    assert [dashboard.uid for dashboard in now.dashboards] == ["other"]
    (fault,) = now.faults
    assert (fault.file, fault.uid, fault.place) == (str(mine), "shop", f"{mine}:12:5")
    assert (
        fault.message
        == "unknown key 'titel'; similar: title; known are title, description, widgets"
    )
    assert now.fault("shop") is fault
    assert now.get("shop") is None
    mine.write_text(SOUND.replace("title: Shop", "title: Mended"))
    clock.advance(2.5)
    assert titles(book) == ["Again", "Mended"]
    assert book.current().faults == ()


def test_a_uid_twice_in_a_directory_is_a_fault_of_the_second(shipped: Path) -> None:
    (shipped / "twice.yaml").write_text(SOUND)
    now = DashboardBook([shipped], ManualClock()).current()
    assert [dashboard.uid for dashboard in now.dashboards] == ["other", "shop"]
    (fault,) = now.faults
    assert fault.uid == "twice"
    assert fault.message == f"the uid shop is also that of {shipped / 'shop.yaml'}"


def test_a_directory_that_does_not_exist_is_a_fault_until_it_does(
    shipped: Path, tmp_path: Path
) -> None:
    clock = ManualClock()
    late = tmp_path / "late"
    book = DashboardBook([shipped, late], clock)
    assert titles(book) == ["Again", "Shop"]
    (fault,) = book.current().faults
    assert fault.place == str(late)
    assert fault.message == f"the directory of dashboards {late} does not exist"
    late.mkdir()
    clock.advance(2.5)
    assert book.current().faults == ()


def test_what_is_no_text_is_a_fault(shipped: Path) -> None:
    (shipped / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (fault,) = DashboardBook([shipped], ManualClock()).current().faults
    assert (fault.uid, fault.place) == ("bytes", str(shipped / "bytes.yaml"))
    assert fault.message.startswith("the file cannot be read")


def test_threads_see_whole_states(shipped: Path, own: Path) -> None:
    clock = ManualClock()
    book = DashboardBook([shipped, own], clock)
    seen: set[tuple[str, ...]] = set()

    def read() -> None:
        for _ in range(200):
            clock.advance(0.5)
            seen.add(tuple(titles(book)))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    (own / "mine.yaml").write_text(SOUND.replace("title: Shop", "title: Mine"))
    for thread in threads:
        thread.join()
    clock.advance(2.5)
    assert titles(book) == ["Again", "Mine"]
    assert seen <= {("Again", "Shop"), ("Again", "Mine"), ("Again",)}
