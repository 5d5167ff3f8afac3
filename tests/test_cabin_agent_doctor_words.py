"""What a doctor asks of the core: orders, reviews, notes, words to the agent, pictures; and every bad request."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabin_agent.doctor_words import ASKED, MOST_NOTE, MOST_NOTES, MOST_WORDS
from cabin_agent.face import Json
from cabin_agent.journal import JournalFull
from cabin_agent.media import wire
from cabin_agent.plan import TASKS
from cabin_agent.results import Measure, NotMeasured, Strip
from cabin_agent.still import MOST_BYTES, MOST_STILLS
from cabin_agent.visit_table import State
from cabin_agent.wording import text
from tests.consulting import ABOUT, DOCTOR, JPEG, Gate, consulting, gated, state_of, wrong
from tests.core_bench import prepare, running_core, say, until
from tests.fake_face import WEB
from tests.visits import ECG, evidence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return gated(monkeypatch)


# --- what the doctor asks ---------------------------------------------------------------------------------------


async def test_the_doctor_sees_the_visit_in_his_own_language(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join(language="en")
        view = await call.view()
        assert set(view) == {"visit", "tasks", "outcomes", "notes", "stills", "cabin", "simulated", "doctor"}
        assert wrong("Visit", {**view["visit"], **WEB}) == []
        assert view["visit"]["language"] == "fr"
        assert view["visit"]["prompt"]["text"] == text("en", "consultation.connected")
        assert [(each["number"], each["task"], each["instrument"]) for each in view["tasks"]] == [
            (1, "size", "scale"), (2, "oximetry", "oximeter"), (3, "temperature", "thermometer"), (4, "ecg", "ecg"),
            (5, "hearing", "audiometer"), (6, "pressure", "tensiometer"),
        ]  # fmt: skip
        assert {*view["tasks"][0]} == {
            "number", "task", "instrument", "name", "state", "reason", "usable", "running", "age_s",
        }  # fmt: skip
        assert view["tasks"][3]["name"] == text("en", "task.ecg")
        assert (view["tasks"][3]["state"], view["cabin"], view["simulated"]) == ("absent", "Cabine d'essai", True)


async def test_an_order_is_shown_to_both_at_the_same_moment(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        gate.open.clear()
        assert await call.ask("start", task="pressure") == {"ok": True}
        kiosk, doctor = call.face.visit(), await call.view()
        assert (kiosk["consultation"]["number"], kiosk["consultation"]["task"]) == (6, "pressure")
        assert [each["task"] for each in doctor["tasks"] if each["running"]] == ["pressure"]
        busy = await call.ask("start", task="ecg")
        assert (busy["ok"], busy["code"]) == (False, "busy")
        directed = call.core.directed
        assert directed is not None
        await until(call.core, lambda: directed.waiting_to_sit)
        kiosk = call.face.visit()
        assert kiosk["consultation"]["waiting_to_sit"]
        assert kiosk["may"] == ["seated", "skip", "hang_up", "leave", "call_nurse"]
        assert wrong("Visit", {**kiosk, **WEB}) == []
        await say(call.core, {"event": "seated"})
        await until(call.core, lambda: gate.done == ["pressure"])
        kiosk = call.face.visit()
        assert kiosk["prompt"]["key"] == "measure.blood_pressure.instruction"
        assert kiosk["doing"] == text("fr", "measure.blood_pressure.doing")
        assert (kiosk["attempts"], kiosk["rest"]["needed"]) == ({"attempt": 1, "of": 3}, 0.0)
        gate.open.set()
        await until(call.core, lambda: directed.order is None)
        (outcome,) = (await call.view())["outcomes"]
        assert (outcome["measure"], outcome["index"], outcome["review"]) == ("blood_pressure", 0, None)
        assert outcome["evidence"]["rest_s"] >= 0
        assert call.face.visit()["plan"][0]["state"] == "done"


async def test_a_measure_is_repeated_and_stopped_at_the_doctor_s_word(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.measured("size")
        await call.measured("size")
        gate.open.clear()
        await call.ask("start", task="size")
        await until(call.core, lambda: len(gate.done) == 3)
        assert await call.ask("stop", task="size") == {"ok": True}
        await call.quiet()
        assert call.core.visit.outcomes[-1] == NotMeasured("bmi", "interrupted", "aborted")
        assert (await call.ask("stop", task="size"))["code"] == "not-now"


async def test_in_an_emergency_the_agent_s_skip_stops_what_runs(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        gate.open.clear()
        await call.ask("start", task="size")
        await until(call.core, lambda: gate.done == ["size"])
        await say(call.core, {"event": "skip"})
        await until(call.core, lambda: len(call.core.visit.outcomes) == 3)
        assert {outcome.why for outcome in call.core.visit.outcomes if isinstance(outcome, NotMeasured)} == {
            "refused"
        }
        assert gate.stopped == ["scale"]
        assert state_of(call.core) is State.CONSULTATION


async def test_the_doctor_judges_a_value_and_may_think_again(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.measured("size")
        assert await call.ask("review", index=0, verdict="accepted", note="") == {"ok": True}
        assert await call.ask("review", index=0, verdict="rejected", note=" shoes on ") == {"ok": True}
        (outcome,) = (await call.view())["outcomes"]
        assert outcome["review"] == {"verdict": "rejected", "note": "shoes on"}
        assert call.core.visit.reviews[0].by == DOCTOR
        assert await call.ask("end") == {"ok": True}
        await say(call.core, {"event": "show_results"})
        results = call.face.results()
        assert results["outcomes"][0]["review"] == {"verdict": "rejected", "note": "shoes on"}
        assert wrong("Results", results) == []


async def test_a_recorded_ecg_is_handed_out_lead_by_lead(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        strip = Strip(250.0, ("I", "II"), ((0.5,) * 500, (0.25,) * 500), beats=(100,), used=())
        call.core.visit = replace(call.core.visit, outcomes=(Measure("ecg", {}, evidence(ECG), strip=strip),))
        told = await call.ask("strip", index=0, lead="II")
        assert told["ok"]
        assert set(told["strip"]["samples"]) == {25}
        assert told["strip"]["beats"] == [{"s": 0.4, "used": False}]
        for lead in ("V9", None, ["II"]):
            assert (await call.ask("strip", index=0, lead=lead))["code"] == "bad-value"


async def test_notes_and_words_to_the_agent(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        assert await call.ask("note", text="First.") == {"ok": True}
        assert await call.ask("note", text=" Second.\nLine. ") == {"ok": True}
        assert [note["text"] for note in (await call.view())["notes"]] == ["First.", "Second.\nLine."]
        assert {note.by for note in call.core.visit.notes} == {DOCTOR}
        assert await call.ask("say", text="Breathe out.") == {"ok": True}
        assert call.face.visit()["consultation"]["message"] == "Breathe out."
        assert await call.ask("say", text="") == {"ok": True}
        assert call.face.visit()["consultation"]["message"] is None


BAD: list[Json] = [
    {"do": "fly"},
    {"do": None},
    {"do": ["view"]},
    {"do": "start"},
    {"do": "start", "task": 4},
    {"do": "start", "task": "weight"},
    {"do": "stop", "task": None},
    {"do": "review", "index": 3, "verdict": "accepted", "note": ""},
    {"do": "review", "index": -1, "verdict": "accepted", "note": ""},
    {"do": "review", "index": True, "verdict": "accepted", "note": ""},
    {"do": "review", "index": 0.0, "verdict": "accepted", "note": ""},
    {"do": "review", "index": 0, "verdict": "maybe", "note": ""},
    {"do": "review", "index": 0, "verdict": ["accepted"], "note": ""},
    {"do": "review", "index": 0, "verdict": "accepted"},
    {"do": "review", "index": 0, "verdict": "accepted", "note": "x" * (MOST_NOTE + 1)},
    {"do": "strip", "index": 0, "lead": "II"},
    {"do": "strip", "index": 7, "lead": "II"},
    {"do": "strip"},
    {"do": "note", "text": " "},
    {"do": "note", "text": "x" * (MOST_NOTE + 1)},
    {"do": "say", "text": "x" * (MOST_WORDS + 1)},
    {"do": "say"},
]


async def test_a_bad_request_is_one_sentence_and_changes_nothing(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.measured("size")
        before = call.core.visit
        for bad in BAD:
            answer = await call.core.consultation.asked(call.session, bad)
            assert (answer["ok"], answer["code"]) in [(False, "bad-value"), (False, "unknown-event")], bad
            assert answer["text"].endswith(".")
            assert "xxx" not in answer["text"]
        assert call.core.visit == before
        assert await call.ask("note", text="still alive") == {"ok": True}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {"do": st.sampled_from([*ASKED, "view"]) | st.text(max_size=3)},
            optional={
                "task": st.sampled_from([*TASKS]) | st.none(),
                "index": st.integers(-2, 4) | st.text(max_size=2),
                "verdict": st.sampled_from(["accepted", "rejected", None, "other", 3]),
                "note": st.text(max_size=5) | st.integers(),
                "text": st.text(max_size=5) | st.none(),
            },
        ),
        max_size=12,
    )
)
def test_whatever_a_page_asks_is_answered_and_the_visit_stays_whole(
    tmp_path_factory: pytest.TempPathFactory, gate: Gate, requests: list[Json]
) -> None:
    async def ask() -> None:
        folder = tmp_path_factory.mktemp("cabin")
        prepare(folder)
        async with consulting(folder) as call:
            await call.join()
            for request in requests:
                answer = await call.core.consultation.asked(call.session, request)
                assert answer["ok"] is True or (answer["ok"] is False and answer["code"] and answer["text"])
            assert state_of(call.core) in (State.CONSULTATION, State.RESULTS)
            assert all(0 <= index < len(call.core.visit.outcomes) for index in call.core.visit.reviews)
            kept = call.core.visit
        async with running_core(folder) as core:
            assert core.visit == kept

    asyncio.run(ask())


async def test_a_consultation_keeps_so_many_notes(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        for number in range(MOST_NOTES):
            assert (await call.ask("note", text=str(number)))["ok"] is True
        assert (await call.ask("note", text="one more"))["code"] == "busy"


async def test_a_full_disk_is_said_to_the_doctor(folder: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    async with consulting(folder) as call:
        await call.join()

        def full(*_: object) -> None:
            raise JournalFull("The disk is full: free some space.")

        monkeypatch.setattr(call.core._open, "keep", full)
        assert await call.ask("note", text="lost") == {
            "ok": False, "code": "not-ready", "text": "The disk is full: free some space.",
        }  # fmt: skip
        assert call.core.visit.notes == ()


# --- still pictures ---------------------------------------------------------------------------------------------


async def test_a_still_picture_is_kept_with_its_side_its_site_and_its_jpeg(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.picture()
        (still,) = call.core.visit.stills
        assert (still.site, still.side, still.camera, still.width, still.height) == (
            "ear", "left", "otoscope", 1280, 720,
        )  # fmt: skip
        assert still.sha256 == hashlib.sha256(JPEG).hexdigest()
        (track,) = map(cbor2.loads, call.core._open.tracks())
        assert (track["stream"], track["jpeg"], track["simulated"]) == ("still", JPEG, True)
        assert (track["site"], track["side"], track["sha256"]) == ("ear", "left", still.sha256)
        assert (await call.view())["stills"] == [
            {
                "number": 1,
                "site": "ear",
                "side": "left",
                "at_ms": ABOUT["taken_ms"],
                "camera": "otoscope",
                "simulated": True,
            }
        ]


@pytest.mark.parametrize(
    ("about", "jpeg"),
    [
        ({"site": "heart"}, JPEG),
        ({"side": None}, JPEG),
        ({"width": "wide"}, JPEG),
        (dict.fromkeys(ABOUT), JPEG),
        ({}, b"GIF89a"),
        ({}, b""),
        ({"session": "of another visit"}, JPEG),
        ({"session": ""}, JPEG),
        ({"session": None}, JPEG),
    ],
)
async def test_a_picture_that_cannot_be_kept_is_told(folder: Path, gate: Gate, about: Json, jpeg: bytes) -> None:
    async with consulting(folder) as call:
        await call.join()
        with call.core.broadcast.watch(waves=False) as events:
            await call.picture(jpeg, **about)
            told = await anext(events)
        assert isinstance(told, dict)
        assert (told["type"], told["code"]) == ("problem", "still-lost")
        assert told["text"].endswith("take it again.")
        assert call.core.visit.stills == ()


async def test_a_consultation_keeps_so_many_pictures_and_none_after_its_end(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        for _ in range(MOST_STILLS + 1):
            await call.picture()
        assert len(call.core.visit.stills) == len(call.core._open.tracks()) == MOST_STILLS
        await call.ask("end")
        await call.picture()
        assert len(call.core._open.tracks()) == MOST_STILLS


async def test_the_pictures_of_a_consultation_have_room_in_its_recording(
    folder: Path, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """The largest frame of the socket is kept, what would be too much is told, and the visit ends and is sealed."""
    large = JPEG + os.urandom(wire.MOST - 1000)
    async with consulting(folder) as call:
        await call.join()
        await call.picture(large)
        with call.core.broadcast.watch(waves=False) as events:
            await call.picture(large)
            told = await anext(events)
        assert isinstance(told, dict)
        assert (told["code"], told["text"].endswith("in a note instead.")) == ("still-lost", True)
        await call.picture(large[: MOST_BYTES - len(large)])
        assert sum(each.size for each in call.core.visit.stills) == MOST_BYTES
        assert await call.ask("end") == {"ok": True}
        await say(call.core, {"event": "leave"})
        await until(call.core, lambda: call.core.sealed)
        assert call.core.delivery.status()["pending"] == 2
    assert "too large" not in caplog.text


async def test_a_picture_of_a_call_that_was_just_replaced_is_kept(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        first = await call.join()
        second = await call.join()
        await call.picture(session=first)
        await call.picture(session=second)
        call.core.consultation.moved(second, "closed")
        await call.picture(session=second)
        await call.picture(session=first)
        assert len(call.core.visit.stills) == 3
        await call.join()
        assert [each["number"] for each in (await call.view())["stills"]] == [1, 2, 3]


async def test_a_real_cabin_keeps_no_picture_that_may_show_something_else(
    folder: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with consulting(folder) as call:
        await call.join()
        real = replace(call.core.config, cabin=replace(call.core.config.cabin, accept_simulated=False))
        monkeypatch.setattr(call.core, "config", real)
        await call.picture()
        await call.picture(simulated=False)
        assert [each.simulated for each in call.core.visit.stills] == [False]
