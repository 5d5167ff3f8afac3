"""Old readings of an instrument's memory: told from those of this visit, whatever its clock shows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.fresh import GRACE, KEPT, Freshness
from drivers.events import HearingRecord, NoValue, PressureResult, Reading, Trouble, Wave

NOW = datetime(2026, 11, 27, 10, 30)  # noqa: DTZ001 - an instrument's clock has no zone
BEGAN = NOW - timedelta(minutes=5)
offsets = st.timedeltas(timedelta(days=-9000), timedelta(days=3650))


def reading(taken: datetime | None, *, quantity: str = "weight", flags: frozenset[str] = frozenset()) -> Reading:
    return Reading(quantity, 70.0, "kg", flags, taken=taken)  # type: ignore[arg-type]


def judged(taken: datetime | None, offset: timedelta | None = timedelta()) -> str | None:
    fresh = Freshness()
    fresh.offset = offset
    return fresh.judge(reading(taken), NOW, BEGAN)


def test_what_is_sent_live_is_taken() -> None:
    assert judged(None) is None
    assert Freshness().judge(Wave("pleth", 0, 75.0, "1", ("pleth",), ((1.0,),)), NOW, BEGAN) is None
    assert Freshness().judge(Trouble("checksum"), NOW, BEGAN) is None


def test_what_says_that_it_comes_from_memory_is_old() -> None:
    assert Freshness().judge(reading(None, flags=frozenset({"from-memory"})), NOW, BEGAN) == "from-memory"
    none = NoValue("missing")
    stored = PressureResult(none, none, none, none, 0, flags=frozenset({"from-memory"}))
    assert Freshness().judge(stored, NOW, None) == "from-memory"


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(-86_400, "before-the-visit"), (-361, "before-the-visit"), (-360, None), (0, None), (60, None)],
)
def test_a_reading_belongs_to_the_visit_from_a_minute_before_it(seconds: float, verdict: str | None) -> None:
    assert judged(NOW + timedelta(seconds=seconds)) == verdict


def test_a_reading_of_the_future_is_none_of_now() -> None:
    assert judged(NOW + GRACE + timedelta(seconds=1)) == "in-the-future"


@given(offsets, st.integers(-20, 20))
def test_the_offset_of_the_clock_changes_nothing(offset: timedelta, minutes: int) -> None:
    taken = NOW + timedelta(minutes=minutes)
    assert judged(taken + offset, offset) == judged(taken)


@given(offsets)
def test_a_clock_that_nobody_measured_is_compared_with_nothing(offset: timedelta) -> None:
    assert judged(NOW + offset, None) is None


def test_a_clock_that_does_not_know_the_time_is_no_longer_compared() -> None:
    fresh = Freshness()
    fresh.clock(NOW - timedelta(hours=1), NOW)
    assert fresh.offset == timedelta(hours=-1)
    fresh.clock(None, NOW)
    assert fresh.offset is None


@pytest.mark.parametrize("measured", [True, False])
def test_the_same_reading_is_not_taken_twice(measured: bool) -> None:
    fresh = Freshness()
    fresh.offset = timedelta() if measured else None
    assert fresh.judge(reading(NOW), NOW, BEGAN) is None
    assert fresh.judge(reading(NOW), NOW, BEGAN) == "repeated"
    assert fresh.judge(reading(NOW, quantity="height"), NOW, BEGAN) is None, "another quantity of the same moment"
    assert fresh.judge(reading(NOW + timedelta(seconds=1)), NOW, BEGAN) is None


@pytest.mark.parametrize("measured", [True, False])
def test_what_was_sent_in_one_visit_is_old_in_the_next_though_nobody_knows_the_clock(measured: bool) -> None:
    fresh = Freshness()
    fresh.offset = timedelta() if measured else None
    fresh.judge(reading(NOW), NOW, BEGAN)
    fresh.left(NOW)
    later = NOW + timedelta(hours=1)
    assert fresh.judge(reading(NOW), later, later) == "repeated"


def test_what_was_measured_in_the_last_visit_is_not_of_the_next_one_that_begins_at_once() -> None:
    fresh = Freshness()
    fresh.offset = timedelta()
    fresh.left(NOW)
    began = NOW + timedelta(seconds=10)
    assert fresh.judge(reading(NOW - timedelta(seconds=5)), began, began) == "before-the-visit"
    assert fresh.judge(reading(NOW + timedelta(seconds=5)), began, began) is None


def test_a_flood_of_dated_readings_is_not_kept() -> None:
    fresh = Freshness()
    for second in range(3 * KEPT):
        fresh.judge(reading(NOW + timedelta(seconds=second)), NOW, BEGAN)
    assert len(fresh._seen) == KEPT


@pytest.mark.parametrize(("shows", "taken"), [(9999, 1582), (1582, 9999)])
def test_clocks_at_the_ends_of_time_are_refused_and_break_nothing(shows: int, taken: int) -> None:
    fresh = Freshness()
    fresh.clock(datetime(shows, 12, 31), NOW)  # noqa: DTZ001
    assert fresh.judge(reading(datetime(taken, 1, 1)), NOW, BEGAN) == "before-the-visit"  # noqa: DTZ001


def test_without_a_visit_nothing_is_before_it() -> None:
    fresh = Freshness()
    fresh.offset = timedelta()
    assert fresh.judge(reading(NOW - timedelta(days=1)), NOW, None) is None


def test_where_time_runs_faster_only_repetition_is_told() -> None:
    fresh = Freshness(comparable=False)
    fresh.offset = timedelta()
    assert fresh.judge(reading(NOW - timedelta(days=1)), NOW, BEGAN) is None
    assert fresh.judge(reading(NOW - timedelta(days=1)), NOW, BEGAN) == "repeated"


def hearing(sequence: int = 3, db: float = 20.0) -> HearingRecord:
    return HearingRecord("left", {1000: db, 2000: NoValue("not-tested")}, sequence, 1, 2)


def test_an_audiogram_of_the_last_person_is_none_of_the_next() -> None:
    fresh = Freshness()
    assert [fresh.judge(hearing(), NOW, BEGAN) for _ in range(2)] == [None, None], "sent again in one visit"
    fresh.left(NOW)
    assert fresh.judge(hearing(), NOW, None) == "repeated"
    assert fresh.judge(hearing(), NOW, BEGAN) == "repeated"
    assert fresh.judge(hearing(sequence=4), NOW, BEGAN) is None, "another test may give the same thresholds"
    assert fresh.judge(hearing(db=25.0), NOW, BEGAN) is None


def test_an_audiogram_that_was_sent_between_two_visits_is_nobodys() -> None:
    fresh = Freshness()
    fresh.judge(hearing(), NOW, None)
    assert fresh.judge(hearing(), NOW, BEGAN) == "repeated"


def test_the_sequence_digit_comes_round() -> None:
    fresh = Freshness()
    for visit in range(30):
        for ear in ("left", "right"):
            record = HearingRecord(ear, {1000: 20.0}, visit % 10, 1, 2)
            assert fresh.judge(record, NOW, BEGAN) is None
        fresh.left(NOW)
