"""The order in which letters leave: no letter is forgotten, and none can hold up the rest."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from sync.flight import PATIENT, Flights


def test_a_letter_is_due_again_after_its_time() -> None:
    flights = Flights()
    flights.sent(1, 100, due=10.0)
    assert flights.expired(9.9, 10) == ([], [])
    assert flights.load(9.9) == (1, 100)
    assert flights.next_due() == 10.0
    assert flights.expired(10.0, 10) == ([1], [])
    assert flights.load(10.0) == (0, 0)


def test_a_letter_sent_too_often_goes_behind_the_fresh_ones() -> None:
    flights = Flights()
    for _ in range(PATIENT):
        flights.sent(1, 1, due=0.0)
    flights.sent(2, 1, due=0.0)
    assert flights.expired(1.0, 10) == ([2], [1])
    assert flights.attempts(1) == PATIENT
    assert flights.attempts(3) == 0


def test_a_lost_connection_makes_all_due_and_keeps_the_count() -> None:
    flights = Flights()
    flights.sent(1, 1, due=100.0)
    assert flights.is_flying(1)
    flights.release()
    assert not flights.is_flying(1)
    assert flights.expired(0.0, 10) == ([1], [])
    assert flights.attempts(1) == 1


def test_a_requeued_letter_begins_anew_if_it_was_passed() -> None:
    flights = Flights()
    flights.again(4, 10)
    assert flights.expired(0.0, 10) == ([], [])  # above the highest: it is still fresh
    flights.sent(9, 1, due=5.0)
    flights.again(4, 10)
    assert flights.expired(0.0, 10) == ([4], [])


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
    early, late = flights.expired(1000.0, 10)
    assert sorted(early + late) == sorted(open_rows)
    assert not set(early) & set(late)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sent", "sent", "sent", "forget", "again", "release", "wait"]),
        st.integers(1, 6),
        st.integers(0, 9),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 7))
def test_the_heaps_say_what_a_look_at_every_letter_would_say(steps: list[tuple[str, int, int]], limit: int) -> None:
    flights, known, now = Flights(), dict[int, tuple[float, int]](), 0.0
    for verb, row, amount in steps:
        if verb == "sent":
            known[row] = (now + amount, known.get(row, (0.0, 0))[1] + 1)
            flights.sent(row, row, now + amount)
        elif verb == "forget":
            known.pop(row, None)
            flights.forget(row)
        elif verb == "again" and row <= flights.highest:
            known[row] = (float("-inf"), 0)
            flights.again(row, row)
        elif verb == "release":
            known = {each: (float("-inf"), attempts) for each, (_, attempts) in known.items()}
            flights.release()
        else:
            now += amount
        waiting = sorted(row for row, (due, _) in known.items() if due <= now)
        flying = {row: due for row, (due, _) in known.items() if due > now}
        early = [row for row in waiting if known[row][1] < PATIENT]
        late = sorted((row for row in waiting if known[row][1] >= PATIENT), key=lambda row: known[row][1])
        first, last = flights.expired(now, limit)
        assert (first, last) == (early[:limit], late[: max(0, limit - len(early))])
        assert flights.load(now) == (len(flying), sum(flying))
        assert flights.next_due() == min(flying.values(), default=None)


def test_a_hundred_thousand_letters_without_an_answer_cost_no_look_at_each() -> None:
    flights = Flights()
    for row in range(100_000):
        flights.sent(row, 10_000, due=row / 1000)
    begun = time.process_time()
    for row in range(1000):
        assert flights.expired(200.0, 1) == ([row], [])
        flights.sent(row, 10_000, due=300.0)
    assert time.process_time() - begun < 5  # a look at each took four milliseconds a letter and more
