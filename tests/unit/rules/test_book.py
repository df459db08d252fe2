"""The rules in force: what is good replaces, what is broken leaves the last good version."""

from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from app.catalog import load_statistic_catalog
from app.clock import ManualClock
from app.errors import RuleError
from app.rules import FileState, RuleBook
from app.rules.files import parse_rule_file
from app.telemetry import REGISTRY

CATALOG = load_statistic_catalog()
NOW_MS = 1_795_000_000_000


def rules(*names: str, entity: str = "service(['cloud_account_id'], Layer.X)") -> str:
    lines = [f'  - {{name: {name}, exp: "{name}_sum.{entity}"}}' for name in names]
    return "metricPrefix: m\nmetricsRules:\n" + "\n".join(lines) + "\n"


ENDPOINT = "endpoint(['cloud_account_id'], ['t'], Layer.X)"
BROKEN = "metricPrefix: m\nmetricsRules:\n  - {name: a, exp: \"a_sum.sum(['x'\"}\n"


def book(files: Mapping[str, str]) -> tuple[RuleBook, ManualClock]:
    clock = ManualClock(NOW_MS)
    parsed = [parse_rule_file(text, path) for path, text in files.items()]
    return RuleBook(parsed, CATALOG, clock), clock


def states(made: RuleBook) -> dict[str, str]:
    return {status.path: status.state.value for status in made.files}


def metrics(made: RuleBook) -> list[str]:
    return sorted(made.current().definitions)


def reloads(result: str) -> float:
    return REGISTRY.get_sample_value("hydrant_rule_reloads_total", {"result": result}) or 0.0


def files_in(state: str) -> float | None:
    return REGISTRY.get_sample_value("hydrant_rule_files", {"state": state})


def test_a_changed_an_added_and_a_removed_file_are_taken_together() -> None:
    made, clock = book({"a.yaml": rules("a"), "b.yaml": rules("b")})
    engine, loaded = made.current(), reloads("loaded")
    clock.advance(60)
    assert made.update({"a.yaml": rules("a", "a2"), "c.yaml": rules("c")})
    assert made.current() is not engine
    assert metrics(made) == ["m_a", "m_a2", "m_c"]
    assert states(made) == {"a.yaml": "active", "c.yaml": "active"}
    assert reloads("loaded") == loaded + 1
    assert (files_in("active"), files_in("broken")) == (2.0, 0.0)


def test_the_same_contents_change_nothing() -> None:
    made, clock = book({"a.yaml": rules("a")})
    engine, files = made.current(), made.files
    clock.advance(60)
    assert not made.update({"a.yaml": rules("a")})
    assert made.current() is engine
    assert made.files == files


def test_only_a_changed_file_is_loaded_anew() -> None:
    made, clock = book({"a.yaml": rules("a"), "b.yaml": rules("b")})
    before = {status.path: status.version for status in made.files}
    clock.advance(60)
    made.update({"a.yaml": rules("a"), "b.yaml": rules("b", "b2")})
    after = {status.path: status.version for status in made.files}
    assert after["a.yaml"] is before["a.yaml"]
    old, new = before["b.yaml"], after["b.yaml"]
    assert old
    assert new
    assert (old.loaded_ms, new.loaded_ms) == (NOW_MS, NOW_MS + 60_000)
    assert old.digest != new.digest


@pytest.mark.parametrize(
    "content",
    [
        BROKEN,
        "metricPrefix: [",
        "metricPrefix: m\n",
        rules("a", entity="service([])"),
        RuleError("the file cannot be read", file="a.yaml"),
    ],
)
def test_a_broken_file_keeps_its_last_good_version(content: str | RuleError) -> None:
    made, _ = book({"a.yaml": rules("a"), "b.yaml": rules("b")})
    refused = reloads("refused")
    changed = {"a.yaml": content, "b.yaml": rules("b", "b2")}
    assert made.update(changed)
    assert metrics(made) == ["m_a", "m_b", "m_b2"]
    assert states(made) == {"a.yaml": "broken", "b.yaml": "active"}
    status = made.files[0]
    assert status.version
    assert status.version.file.text == rules("a")
    assert str(status.error).startswith("a.yaml") or isinstance(content, RuleError)
    assert reloads("refused") == refused + 1
    assert (files_in("active"), files_in("broken")) == (1.0, 1.0)
    # Mended to what is in force already, it is active and nothing has to be compiled.
    engine = made.current()
    assert not made.update({**changed, "a.yaml": rules("a")})
    assert made.current() is engine
    assert states(made) == {"a.yaml": "active", "b.yaml": "active"}


def test_an_error_points_into_the_file() -> None:
    made, _ = book({"a.yaml": rules("a")})
    made.update({"a.yaml": BROKEN})
    place, source, caret = str(made.files[0].error).splitlines()
    assert place.startswith("a.yaml:3:")
    assert source.strip() == BROKEN.splitlines()[2].strip()
    assert caret.strip() == "^"


def test_a_new_file_that_is_broken_has_no_rules_until_it_is_mended() -> None:
    made, _ = book({"a.yaml": rules("a")})
    assert not made.update({"a.yaml": rules("a"), "n.yaml": BROKEN})
    new = made.files[1]
    assert (new.path, new.state, new.version) == ("n.yaml", FileState.BROKEN, None)
    assert made.update({"a.yaml": rules("a"), "n.yaml": rules("n")})
    assert metrics(made) == ["m_a", "m_n"]


def test_a_broken_file_that_is_removed_goes_away_with_its_rules() -> None:
    made, _ = book({"a.yaml": rules("a"), "b.yaml": rules("b")})
    made.update({"a.yaml": BROKEN, "b.yaml": rules("b")})
    assert made.update({"b.yaml": rules("b")})
    assert metrics(made) == ["m_b"]
    assert states(made) == {"b.yaml": "active"}


def test_a_conflict_leaves_the_previous_set_whole_and_names_both_places() -> None:
    made, _ = book({"a.yaml": rules("a"), "b.yaml": rules("b"), "gone.yaml": rules("g")})
    engine = made.current()
    other_shape = rules("b", entity=ENDPOINT)
    contents = {"a.yaml": rules("a", "a2"), "b.yaml": rules("b"), "c.yaml": other_shape}
    assert not made.update(contents)
    assert made.current() is engine
    assert metrics(made) == ["m_a", "m_b", "m_g"]
    expected = {"a.yaml": "broken", "b.yaml": "active", "c.yaml": "broken", "gone.yaml": "broken"}
    assert states(made) == expected
    error = str(made.files[2].error)
    assert error.startswith("c.yaml:3:")
    assert "already defined at b.yaml:3" in error
    # Once the contradiction is gone, everything that waited is taken.
    assert made.update({**contents, "c.yaml": rules("c")})
    assert metrics(made) == ["m_a", "m_a2", "m_b", "m_c"]
    assert set(states(made).values()) == {"active"}


def test_a_metric_may_move_between_files_in_one_change() -> None:
    made, _ = book({"a.yaml": rules("a", "x"), "b.yaml": rules("b")})
    moved = {"a.yaml": rules("a"), "b.yaml": rules("b").rstrip() + "\n" + _entry("x", ENDPOINT)}
    assert made.update(moved)
    assert metrics(made) == ["m_a", "m_b", "m_x"]
    assert made.current().definitions["m_x"].place == "b.yaml:4"


def test_a_fault_is_logged_once_for_each_content() -> None:
    made, _ = book({"a.yaml": rules("a"), "b.yaml": rules("b")})
    with capture_logs() as logs:
        made.update({"a.yaml": BROKEN, "b.yaml": rules("b")})
        made.update({"a.yaml": BROKEN, "b.yaml": rules("b", "b2")})
        made.update({"a.yaml": BROKEN, "b.yaml": RuleError("cannot be read", file="b.yaml")})
        made.update({"a.yaml": BROKEN, "b.yaml": RuleError("cannot be read", file="b.yaml")})
        made.update({"a.yaml": BROKEN + "\n", "b.yaml": rules("b", "b2")})
        # One reason for several files is one line.
        gone = RuleError("the directory is gone")
        made.update({"a.yaml": gone, "b.yaml": gone})
    refused = [entry["files"] for entry in logs if entry["event"] == "rule files refused"]
    assert refused == ["a.yaml", "b.yaml", "a.yaml", "a.yaml, b.yaml"]


def test_a_file_that_is_mended_is_logged_also_where_no_rule_changes() -> None:
    made, _ = book({"a.yaml": rules("a"), "b.yaml": rules("b")})
    made.update({"a.yaml": BROKEN, "b.yaml": BROKEN})
    with capture_logs() as logs:
        made.update({"a.yaml": rules("a"), "b.yaml": BROKEN})
        made.update({"a.yaml": rules("a"), "b.yaml": rules("b2")})
        made.update({"a.yaml": rules("a"), "b.yaml": rules("b2")})
    mended = "rule files no longer refused"
    assert [(entry["event"], entry["files"]) for entry in logs] == [
        (mended, "a.yaml"),
        (mended, "b.yaml"),
        ("rules changed", 2),
    ]


def test_the_order_of_files_decides_which_rule_is_the_later() -> None:
    made, _ = book({"a.yaml": rules("x"), "b.yaml": rules("y")})
    # The order is that of the contents: as load_rule_directory gives files, a/… before a-….
    assert made.update({"a/z.yaml": rules("x"), "a-z.yaml": rules("x")})
    assert made.current().definitions["m_x"].place == "a/z.yaml:3"


def test_rules_that_contradict_each_other_at_the_start_are_refused() -> None:
    with pytest.raises(RuleError, match=r"b\.yaml:3.*already defined at a\.yaml:3"):
        book({"a.yaml": rules("x"), "b.yaml": rules("x", entity=ENDPOINT)})


def test_a_file_that_our_own_code_fails_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = book({"a.yaml": rules("a")})
    monkeypatch.setattr("app.rules.book.parse_rule_file", lambda text, _: text.nothing)
    with capture_logs() as logs:
        assert not made.update({"a.yaml": rules("a"), "b.yaml": rules("b")})
    assert states(made) == {"a.yaml": "active", "b.yaml": "broken"}
    assert [entry["event"] for entry in logs if entry.get("exc_info")]


def _entry(name: str, entity: str) -> str:
    return f'  - {{name: {name}, exp: "{name}_sum.{entity}"}}\n'
