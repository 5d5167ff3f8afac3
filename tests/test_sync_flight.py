"""The order in which letters leave: no letter is forgotten, and none can hold up the rest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.flight import PATIENT, Flights


def test_a_letter_is_due_again_after_its_time() -> None:
    flights = Flights()
    flights.sent(1, 100, due=10.0)
    assert flights.expired(9.9) == ([], [])
    assert flights.load(9.9) == (1, 100)
    assert flights.next_due() == 10.0
    assert flights.expired(10.0) == ([1], [])
    assert flights.load(10.0) == (0, 0)


def test_a_letter_sent_too_often_goes_behind_the_fresh_ones() -> None:
    flights = Flights()
    for _ in range(PATIENT):
        flights.sent(1, 1, due=0.0)
    flights.sent(2, 1, due=0.0)
    assert flights.expired(1.0) == ([2], [1])
    assert flights.attempts(1) == PATIENT
    assert flights.attempts(3) == 0


def test_a_lost_connection_makes_all_due_and_keeps_the_count() -> None:
    flights = Flights()
    flights.sent(1, 1, due=100.0)
    assert flights.is_flying(1)
    flights.release()
    assert not flights.is_flying(1)
    assert flights.expired(0.0) == ([1], [])
    assert flights.attempts(1) == 1


def test_a_requeued_letter_begins_anew_if_it_was_passed() -> None:
    flights = Flights()
    flights.again(4, 10)
    assert flights.expired(0.0) == ([], [])  # above the highest: it is still fresh
    flights.sent(9, 1, due=5.0)
    flights.again(4, 10)
    assert flights.expired(0.0) == ([4], [])


@given(st.lists(st.tuples(st.sampled_from(["sent", "forget", "release"]), st.integers(1, 8), st.floats(0, 100))))
def test_every_letter_sent_and_not_settled_comes_up_again(steps: list[tuple[str, int, float]]) -> None:
    flights, open_rows = Flights(), set()
    for verb, row, due in steps:
        if verb == "sent":
            flights.sent(row, 1, due)
            open_rows.add(row)
        elif verb == "forget":
            flights.forget(row)
            open_rows.discard(row)
        else:
            flights.release()
    early, late = flights.expired(1000.0)
    assert sorted(early + late) == sorted(open_rows)
    assert not set(early) & set(late)
