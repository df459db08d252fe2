"""Incidents follow episodes: whatever becomes known, one is open exactly while an alarm goes on."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.alarms.incidents import FIRED, RECOVERED, Change, Episode, Told, reconcile

TIMES = 30


def episodes_of(alarming: list[bool]) -> list[Episode]:
    """The episodes of a history of minutes."""
    found: list[Episode] = []
    for at_ms, state in enumerate(alarming):
        before = alarming[at_ms - 1] if at_ms else False
        if state and not before:
            found.append(Episode(at_ms, None, "began", "ended"))
        elif before and not state:
            found[-1] = replace(found[-1], end_ms=at_ms)
    return found


class Desk:
    """Stores changes as the database would, and checks that each event makes sense."""

    def __init__(self) -> None:
        self.told: dict[int, Told] = {}
        self.events: list[tuple[int, str]] = []

    def take(self, changes: list[Change]) -> None:
        for change in changes:
            number = change.incident_id or len(self.told) + 1
            assert (change.incident_id is None) == (number not in self.told)
            self.told[number] = Told(number, change.start_ms, change.end_ms, change.withdrawn)
            if change.event is not None:
                self.events.append((number, change.event))
            if change.over_too:
                self.events.append((number, RECOVERED))

    @property
    def rows(self) -> list[Told]:
        return sorted(self.told.values(), key=lambda each: (each.start_ms, each.incident_id))

    @property
    def open(self) -> list[Told]:
        return [each for each in self.rows if each.end_ms is None]


histories = st.lists(
    st.tuples(st.integers(1, TIMES), st.lists(st.booleans(), min_size=TIMES, max_size=TIMES)),
    min_size=1,
    max_size=5,
)


@given(histories)
def test_an_incident_is_open_exactly_while_an_alarm_goes_on(
    steps: list[tuple[int, list[bool]]],
) -> None:
    """Each step is a frontier, which never goes back, and the history as it is known then."""
    desk, known = Desk(), 0
    for reached, history in steps:
        frontier = max(reached, known)
        episodes = episodes_of(history[:frontier])
        desk.take(reconcile(desk.rows, episodes, known_ms=known, frontier_ms=frontier))
        known = frontier
        last = episodes[-1] if episodes else None
        goes_on = last is not None and last.end_ms is None
        assert len(desk.open) == int(goes_on)
        again = reconcile(desk.rows, episodes, known_ms=known, frontier_ms=frontier)
        assert again == []
        # Every episode is one that people were told of.
        standing = [each for each in desk.rows if not each.withdrawn]
        for episode in episodes:
            assert any(
                each.start_ms < (episode.end_ms or TIMES + 1)
                and episode.start_ms < (each.end_ms or TIMES + 1)
                for each in standing
            )
    # To each person an incident fires and recovers by turns.
    for number in desk.told:
        kinds = [kind for each, kind in desk.events if each == number]
        assert kinds == [(FIRED, RECOVERED)[place % 2] for place in range(len(kinds))]
        assert (kinds[-1] == FIRED) == (desk.told[number].end_ms is None)


@given(
    st.lists(st.booleans(), min_size=TIMES, max_size=TIMES),
    st.lists(st.integers(0, TIMES), max_size=8),
)
def test_a_history_that_only_grows_is_told_the_same_in_any_number_of_rounds(
    history: list[bool], frontiers: list[int]
) -> None:
    desks = []
    for rounds in ([TIMES], sorted({*frontiers, TIMES})):
        desk, known = Desk(), 0
        for frontier in rounds:
            episodes = episodes_of(history[:frontier])
            # Of what is over nothing is looked at again.
            told = desk.open
            new = [each for each in episodes if each.end_ms is None or each.end_ms >= known]
            new = [
                each
                for each in new
                if each.start_ms >= known or any(each.start_ms == one.start_ms for one in told)
            ]
            desk.take(reconcile(told, new, known_ms=known - 1, frontier_ms=frontier))
            known = frontier
        desks.append(desk)
    spans = [[(each.start_ms, each.end_ms) for each in desk.rows] for desk in desks]
    assert spans[0] == spans[1] == [(each.start_ms, each.end_ms) for each in episodes_of(history)]
    assert sorted(desks[0].events) == sorted(desks[1].events)
