"""The open visit on a real journal: taken up as it stood, part by part, and gone once it is forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_agent.journal import Journal, JournalFull
from cabin_agent.open_visit import OpenVisit
from cabin_agent.results import Outcome, Review
from cabin_agent.visit import Visit
from cabin_agent.visit_table import Event, State
from tests.visit_steps import MARK, WAY, outcome, walk
from tests.visits import outcomes

MEASURES = walk(WAY[State.MEASURES])


@contextmanager
def opened(folder: Path, quota: int = 1 << 22) -> Iterator[tuple[OpenVisit, Journal]]:
    with Journal(folder, quota) as journal:
        yield OpenVisit(journal), journal


def reopened(folder: Path) -> Visit:
    with opened(folder) as (store, _):
        return store.load()


def grown(visit: Visit, *more: Outcome) -> Visit:
    return replace(visit, outcomes=(*visit.outcomes, *more))


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file())


@pytest.mark.parametrize("state", State)
def test_every_state_is_taken_up_where_it_stood(tmp_path: Path, state: State) -> None:
    visit = walk(WAY[state])
    with opened(tmp_path) as (store, _):
        store.keep(visit)
        assert store.load() == visit
    assert reopened(tmp_path) == visit


def test_where_nothing_was_kept_the_cabin_is_ready(tmp_path: Path) -> None:
    assert reopened(tmp_path) == Visit()


def test_a_crash_between_key_and_first_part_leaves_a_ready_cabin(tmp_path: Path) -> None:
    with opened(tmp_path) as (_, journal):
        journal.begin()
    with opened(tmp_path) as (store, _):
        assert store.load() == Visit()
        store.keep(MEASURES)
    assert reopened(tmp_path) == MEASURES


def test_every_kind_of_outcome_comes_back_in_order(tmp_path: Path) -> None:
    visit = grown(MEASURES, *outcomes(), outcome(3))
    with opened(tmp_path) as (store, _):
        store.keep(visit)
    assert reopened(tmp_path).outcomes == visit.outcomes


def test_what_a_doctor_said_comes_back(tmp_path: Path) -> None:
    said = (
        Event.JOINED,
        Event.MEASURED,
        Event.MEASURED,
        Event.REVIEW,
        Event.NOTE,
        Event.STILL,
        Event.REVIEW,
        Event.REVIEW,
        Event.NOTE,
    )
    visit = walk(said, walk(WAY[State.CONSULTATION]))
    assert len(visit.reviews) == 2
    with opened(tmp_path) as (store, _):
        store.keep(visit)
    assert reopened(tmp_path) == visit


def test_a_second_word_on_an_outcome_replaces_the_first_and_nothing_else(tmp_path: Path) -> None:
    visit = walk((Event.MEASURED, Event.MEASURED), walk(WAY[State.CONSULTATION]))
    with opened(tmp_path) as (store, journal):
        first = replace(visit, reviews={0: Review("accepted", "", "dr"), 1: Review(None, "later", "dr")})
        store.keep(first)
        journal.put("review/0001", b"as it is")
        store.keep(replace(first, reviews={**first.reviews, 0: Review("rejected", "shoes on", "dr")}))
        assert journal.get("review/0001") == b"as it is"
        assert b"shoes on" in journal.get("review/0000")


def test_the_words_of_one_consultation_are_not_those_of_the_next(tmp_path: Path) -> None:
    visit = walk((Event.MEASURED, Event.REVIEW), walk(WAY[State.CONSULTATION]))
    with opened(tmp_path) as (store, journal):
        store.keep(visit)
        store.forget()
        store.keep(walk(WAY[State.CONSULTATION]))
        assert not [name for name in journal.names() if name.startswith("review/")]
        assert store.load().reviews == {}


def test_each_outcome_is_stored_once(tmp_path: Path) -> None:
    with opened(tmp_path) as (store, journal):
        store.keep(MEASURES)
        visit = grown(MEASURES, outcome(1))
        store.keep(visit)
        journal.put("outcome/0000/measure", b"as it is")
        with_second = grown(visit, outcome(3))
        store.keep(with_second)
        assert journal.names() == ["outcome/0000/measure", "outcome/0001/none", "visit"]
        assert journal.get("outcome/0000/measure") == b"as it is"
        assert json.loads(journal.get("visit"))["outcomes"] == []


def test_outcomes_go_on_from_where_a_restart_found_them(tmp_path: Path) -> None:
    visit = grown(MEASURES, outcome(1), outcome(3))
    with opened(tmp_path) as (store, _):
        store.keep(visit, (b"one",))
    with opened(tmp_path) as (store, journal):
        visit = grown(store.load(), outcome(2))
        store.keep(visit, (b"two", b"three"))
        assert journal.names() == [
            "outcome/0000/measure", "outcome/0001/none", "outcome/0002/measure",
            "track/0000", "track/0001", "track/0002", "visit",
        ]  # fmt: skip
    with opened(tmp_path) as (store, _):
        assert store.load() == visit
        assert store.tracks() == [b"one", b"two", b"three"]


def test_more_than_nine_outcomes_and_tracks_stay_in_order(tmp_path: Path) -> None:
    visit = grown(MEASURES, *(outcome(number) for number in range(25)))
    with opened(tmp_path) as (store, _):
        store.keep(visit, tuple(bytes([number]) for number in range(25)))
    with opened(tmp_path) as (store, _):
        assert store.load().outcomes == visit.outcomes
        assert store.tracks() == [bytes([number]) for number in range(25)]


def test_a_ready_cabin_keeps_nothing_of_anybody(tmp_path: Path) -> None:
    with opened(tmp_path) as (store, journal):
        store.keep(grown(MEASURES, outcome(1)), (b"track",))
        store.keep(Visit())
        assert (journal.is_open(), journal.names()) == (False, [])
        assert store.tracks() == []
    assert reopened(tmp_path) == Visit()


def test_the_next_visit_begins_with_its_first_outcome(tmp_path: Path) -> None:
    with opened(tmp_path) as (store, journal):
        store.keep(grown(MEASURES, outcome(1), outcome(2)), (b"mine",))
        store.forget()
        store.keep(walk(WAY[State.CLEANING]))
        store.keep(Visit())
        store.keep(grown(MEASURES, outcome(4)), (b"yours",))
        assert journal.names() == ["outcome/0000/measure", "track/0000", "visit"]
        assert store.tracks() == [b"yours"]
        assert store.load().outcomes == (outcome(4),)


def test_nothing_of_a_person_lies_readable_on_the_disk(tmp_path: Path) -> None:
    with opened(tmp_path) as (store, _):
        store.keep(grown(MEASURES, outcome(1)), (f"{MARK} track".encode(),))
        assert MARK.encode() not in bytes_of(tmp_path)
        store.forget()
        assert MARK.encode() not in bytes_of(tmp_path)


def test_what_finds_no_room_leaves_what_was_kept_and_can_be_kept_later(tmp_path: Path) -> None:
    with opened(tmp_path, quota=1 << 16) as (store, journal):
        store.keep(MEASURES)
        visit = grown(MEASURES, outcome(1))
        with pytest.raises(JournalFull):
            store.keep(visit, (bytes(1 << 17),))
        assert journal.names() == ["visit"]
        assert store.load() == MEASURES
        store.keep(visit, (b"small",))
        assert (store.load(), store.tracks()) == (visit, [b"small"])


@pytest.mark.parametrize("name", ["visit", "outcome/0000/measure"])
def test_a_visit_that_another_version_stored_is_forgotten_and_the_cabin_cleaned(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as (store, journal):
        store.keep(grown(MEASURES, outcome(1)))
        journal.put(name, f'{{"of_another_version":"{MARK}"}}'.encode())
    with opened(tmp_path) as (store, journal):
        assert store.load() == Visit(state=State.CLEANING)
        assert not journal.is_open()
        store.keep(Visit(state=State.CLEANING, ticked=("scale",)))
        assert store.load().ticked == ("scale",)
    assert "does not fit this version" in caplog.text
    assert MARK not in caplog.text


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(("outcome", "none", "track", "both", "restart", "forget")), max_size=14))
def test_whatever_is_kept_and_however_often_it_restarts(acts: list[str]) -> None:
    with TemporaryDirectory() as name:
        visit, tracks, folder = MEASURES, list[bytes](), Path(name)
        journal = Journal(folder, 1 << 22)
        store = OpenVisit(journal)
        store.keep(visit)
        for number, act in enumerate(acts):
            fresh = (f"track {number}".encode(),) if act in ("track", "both") else ()
            if act in ("outcome", "both"):
                visit = grown(visit, outcome(3 * number + 1))
            elif act == "none":
                visit = grown(visit, outcome(3 * number))
            elif act == "restart":
                journal.close()
                journal = Journal(folder, 1 << 22)
                store = OpenVisit(journal)
                assert store.load() == visit
            elif act == "forget":
                store.forget()
                visit, tracks = MEASURES, []
            store.keep(visit, fresh)
            tracks += fresh
            assert store.tracks() == tracks
        journal.close()
        assert reopened(folder) == visit


def test_a_crash_between_forgetting_and_storing_is_cleaned(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        store = OpenVisit(journal)
        store.keep(Visit(state=State.GOODBYE, visit_id="v"))
        store.forget()
    with Journal(tmp_path) as journal:
        store = OpenVisit(journal)
        assert store.load() == Visit(state=State.CLEANING)
        store.keep(Visit(state=State.READY))
    with Journal(tmp_path) as journal:
        assert OpenVisit(journal).load() == Visit()


def test_a_folder_that_cannot_be_marked_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with Journal(tmp_path) as journal:
        monkeypatch.setattr(Path, "touch", full)
        with pytest.raises(JournalFull, match="No space left"):
            OpenVisit(journal).keep(Visit(state=State.WELCOME))
