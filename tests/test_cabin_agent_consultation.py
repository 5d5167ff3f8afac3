"""A consultation on a real core: joining, the call, its end, and what a crash leaves of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cabin_agent import core as core_module
from cabin_agent.call_link import NoLink
from cabin_agent.consultation import GONE_S, TOKEN_S
from cabin_agent.core_face import CoreFace
from cabin_agent.face import Json, Refusal
from cabin_agent.journal import JournalFull
from cabin_agent.results import NotMeasured
from cabin_agent.visit_table import State
from cabin_agent.wording import text
from tests.consulting import DOCTOR, OTHER, Call, Gate, consulting, gated, state_of, wrong
from tests.core_bench import CONSULTATION, CONSULTING, come_to, prepare, running_core, say, until
from tests.fake_face import WEB


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return gated(monkeypatch)


# --- who may join -----------------------------------------------------------------------------------------------


async def test_an_agent_who_agreed_waits_for_a_doctor_and_nothing_is_planned(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        assert state_of(call.core) is State.CONSULTATION
        view = call.face.visit()
        assert wrong("Visit", {**view, **WEB}) == []
        assert (view["plan"], view["running"], view["left_s"], view["rest"]) == ([], [], None, None)
        assert view["prompt"]["key"] == "state.consultation"
        assert view["may"] == ["hang_up", "leave", "call_nurse"]
        assert call.face.consultation(DOCTOR) == {
            "waiting": True,
            "state": "waiting",
            "connected": False,
            "cabin": "Cabine d'essai",
            "simulated": True,
            "media": {**call.link.state, "up": True},
        }
        assert gate.done == []


async def test_an_agent_who_declined_the_remote_act_has_the_ordinary_check_up(folder: Path, gate: Gate) -> None:
    async with running_core(folder) as core:
        await come_to(core, "code")
        words: list[Json] = [{"event": "code", "value": CONSULTATION}, {"event": "informed"}, {"event": "agree"}]
        await say(core, *words, {"event": "decline"}, CONSULTING[-1])
        assert state_of(core) is State.MEASURES
        with pytest.raises(Refusal) as refused:
            await CoreFace(core).join(DOCTOR)
        assert refused.value.code == "not-now"


@pytest.mark.parametrize("state", ["welcome", "code", "exclusions", "measures"])
async def test_nobody_joins_where_nobody_waits(folder: Path, gate: Gate, state: str) -> None:
    async with running_core(folder) as core:
        await come_to(core, state)
        face = CoreFace(core)
        assert (face.consultation(DOCTOR)["state"], face.consultation(DOCTOR)["waiting"]) == ("free", False)
        with pytest.raises(Refusal, match="Nobody waits"):
            await face.join(DOCTOR)


async def test_a_doctor_joins_and_is_shown_to_the_agent(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        assert wrong("Waiting", {**call.face.consultation(DOCTOR), "build": "of the pages"}) == []
        told = await call.face.join(DOCTOR)
        assert wrong("CallToken", told) == []
        assert told["expires_s"] == TOKEN_S
        assert call.face.consultation(DOCTOR)["state"] == "yours"
        session, _ = await call.face.offer(told["token"], "offer")
        assert call.link.offers == [(session, "offer", "fr")]
        assert call.face.visit()["consultation"]["connected"] is False
        call.core.consultation.moved(session, "connected")
        view = call.face.visit()
        assert view["consultation"] == {
            "doctor": DOCTOR, "connected": True, "sees": True, "hears": True, "speaks": True, "message": None,
            "number": None, "task": None, "waiting_to_sit": False,
        }  # fmt: skip
        assert view["prompt"]["key"] == "consultation.connected"
        assert call.core.visit.doctor == DOCTOR


async def test_one_doctor_at_a_time_until_the_first_has_been_gone_for_a_minute(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        call.time.pass_by(10 * GONE_S)
        assert call.face.consultation(OTHER)["state"] == "taken"
        with pytest.raises(Refusal) as taken:
            await call.face.join(OTHER)
        assert taken.value.code == "taken"
        assert DOCTOR not in str(taken.value)
        call.core.consultation.moved(call.session, "lost")
        call.time.pass_by(GONE_S - 1)
        assert call.face.consultation(OTHER)["state"] == "taken"
        call.time.pass_by(1)
        assert call.face.consultation(OTHER)["waiting"] is True
        first = call.session
        await call.join(OTHER)
        assert call.link.closed == [first]
        assert call.face.consultation(DOCTOR)["state"] == "taken"
        assert (call.core.visit.doctor, call.face.visit()["consultation"]["doctor"]) == (OTHER, OTHER)


async def test_a_token_that_nobody_used_holds_the_consultation_for_a_minute_only(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.face.join(DOCTOR)
        assert call.face.consultation(OTHER)["state"] == "taken"
        call.time.pass_by(GONE_S)
        assert call.face.consultation(OTHER)["state"] == "waiting"


async def test_the_same_doctor_joins_again_at_any_time_and_the_older_call_is_closed(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        first = await call.join()
        second = await call.join(language="en")
        assert first != second
        assert call.link.closed == [first]
        call.core.consultation.moved(first, "closed")
        assert call.core.consultation.connected
        old = await call.core.consultation.asked(first, {"do": "view"})
        assert (old["ok"], old["code"]) == (False, "not-now")
        assert (await call.view())["doctor"] == DOCTOR


async def test_the_page_behind_the_older_call_is_told_before_the_newer_is_offered(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        first = await call.join()
        assert call.link.told == []
        call.link.offered.clear()
        call.link.answers.clear()
        token = (await call.face.join(DOCTOR))["token"]
        offering = asyncio.create_task(call.face.offer(token, "offer"))
        await call.link.offered.wait()
        assert call.link.told == [(first, {"type": "replaced"})]
        assert call.link.closed == [], "it would not hear it any more"
        call.link.answers.set()
        second, _ = await offering
        assert call.link.closed == [first]
        call.core.consultation.moved(second, "closed")
        await call.join()
        assert len(call.link.told) == 1, "a call that is over is replaced by nobody"


async def test_a_refused_offer_closes_the_call_that_it_was_to_replace(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        first = await call.join()
        call.link.failure = Refusal("bad-offer", "The offer cannot be understood: load the page again.")
        with pytest.raises(Refusal):
            await call.join()
        assert first in call.link.closed
        assert not call.core.consultation.connected


# --- what the agent is told of the doctor ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media", "told"),
    [
        ({}, (True, True, True, "connected")),
        ({"sound": {"microphone": None, "speaker": "desk"}}, (True, False, True, "seen")),
        ({"camera": None}, (False, True, True, "heard")),
        ({"camera": "otoscope"}, (False, True, True, "heard")),
        ({"camera": "unknown"}, (False, True, True, "heard")),
        ({"cameras": [{"name": "face", "state": "frozen"}]}, (False, True, True, "heard")),
        ({"cameras": [], "sound": {"microphone": None, "speaker": "desk"}}, (False, False, True, "unseen")),
        ({"sound": {"microphone": "desk", "speaker": None}}, (True, True, False, "connected-silent")),
        ({"sound": {}}, (True, False, False, "seen-silent")),
        ({"camera": None, "sound": {"microphone": "desk"}}, (False, True, False, "heard-silent")),
        ({"camera": None, "cameras": None, "sound": None}, (False, False, False, "unseen-silent")),
    ],
)
async def test_the_agent_is_told_what_the_doctor_sees_and_hears(
    folder: Path, gate: Gate, media: Json, told: tuple[bool, bool, bool, str]
) -> None:
    async with consulting(folder) as call:
        await call.join()
        call.link.state = {**call.link.state, **media}
        view = call.face.visit()
        seen = tuple(view["consultation"][key] for key in ("sees", "hears", "speaks"))
        assert (*seen, view["prompt"]["key"]) == (*told[:3], f"consultation.{told[3]}")
        assert view["prompt"]["text"] == text("fr", f"consultation.{told[3]}")
        assert wrong("Visit", {**view, **WEB}) == []


# --- tokens and offers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "x", "\udcff", "é" * 40])
async def test_an_unknown_token_opens_nothing(folder: Path, gate: Gate, token: str) -> None:
    async with consulting(folder) as call:
        await call.face.join(DOCTOR)
        with pytest.raises(Refusal) as refused:
            await call.face.offer(token, "offer")
        assert (refused.value.code, call.link.offers) == ("bad-token", [])


async def test_a_token_is_used_once(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        token = (await call.face.join(DOCTOR))["token"]
        await call.face.offer(token, "offer")
        with pytest.raises(Refusal, match="already used"):
            await call.face.offer(token, "offer")
        assert len(call.link.offers) == 1


async def test_a_token_is_used_up_by_an_offer_that_failed(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        call.link.failure = Refusal("bad-offer", "The offer cannot be understood: load the page again.")
        token = (await call.face.join(DOCTOR))["token"]
        for code in ("bad-offer", "bad-token"):
            with pytest.raises(Refusal) as refused:
                await call.face.offer(token, "offer")
            assert refused.value.code == code
        assert call.core.visit.doctor == ""
        call.link.failure = None
        await call.join()


async def test_a_token_is_good_for_half_a_minute(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        token = (await call.face.join(DOCTOR))["token"]
        call.time.pass_by(TOKEN_S + 0.1)
        with pytest.raises(Refusal, match="too old"):
            await call.face.offer(token, "offer")
        token = (await call.face.join(DOCTOR))["token"]
        call.time.pass_by(TOKEN_S)
        await call.face.offer(token, "offer")


async def test_a_second_token_takes_the_worth_of_the_first(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        first = (await call.face.join(DOCTOR))["token"]
        second = (await call.face.join(DOCTOR))["token"]
        with pytest.raises(Refusal):
            await call.face.offer(first, "offer")
        await call.face.offer(second, "offer")


async def test_a_token_is_worth_nothing_in_the_next_visit(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        token = (await call.face.join(DOCTOR))["token"]
        await say(call.core, {"event": "leave"})
        await until(call.core, lambda: call.core.sealed)
        await say(
            call.core, {"event": "finish"}, *({"event": "tick", "instrument": i} for i in ("scale", "oximeter"))
        )
        await say(call.core, *CONSULTING)
        assert call.face.consultation(DOCTOR)["state"] == "waiting"
        with pytest.raises(Refusal) as refused:
            await call.face.offer(token, "offer")
        assert refused.value.code == "bad-token"


async def test_an_agent_who_hangs_up_during_an_offer_is_not_called(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        call.link.answers.clear()
        token = (await call.face.join(DOCTOR))["token"]
        offering = asyncio.create_task(call.face.offer(token, "offer"))
        await call.link.offered.wait()
        await say(call.core, {"event": "hang_up"})
        call.link.answers.set()
        with pytest.raises(Refusal) as refused:
            await offering
        assert refused.value.code == "not-now"
        assert call.link.offers[0][0] in call.link.closed
        assert call.core.visit.doctor == ""


async def test_an_offer_that_is_given_up_leaves_no_call(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        call.link.answers.clear()
        offering = asyncio.create_task(call.face.offer((await call.face.join(DOCTOR))["token"], "offer"))
        await call.link.offered.wait()
        offering.cancel()
        await asyncio.gather(offering, return_exceptions=True)
        assert call.link.closed == [call.link.offers[0][0]]
        call.link.answers.set()
        await call.join()


async def test_the_language_of_the_doctor_is_one_that_we_speak(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        with pytest.raises(Refusal, match="one of: fr, en"):
            await call.face.join(DOCTOR, "de")
        assert call.face.consultation(OTHER)["state"] == "waiting"


async def test_a_call_is_ended_by_its_doctor_alone_and_once(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        session = await call.join()
        for doctor, which in ((OTHER, session), (DOCTOR, "another")):
            with pytest.raises(Refusal, match="over already"):
                await call.face.hang_up(doctor, which)
        await call.face.hang_up(DOCTOR, session)
        assert call.link.closed == [session]
        with pytest.raises(Refusal):
            await call.face.hang_up(DOCTOR, session)
        assert (state_of(call.core), call.face.visit()["prompt"]["key"]) == (State.CONSULTATION, "consultation.lost")
        await call.join()


# --- without media, and when it is lost -------------------------------------------------------------------------


async def test_a_core_without_media_waits_and_says_that_the_connection_is_being_made(
    folder: Path, gate: Gate
) -> None:
    async with running_core(folder) as core:
        face = CoreFace(core)
        await say(core, *CONSULTING)
        assert face.visit()["prompt"]["key"] == "consultation.connecting"
        assert face.cabin()["media"] == {"up": False}
        token = (await face.join(DOCTOR))["token"]
        with pytest.raises(Refusal) as refused:
            await face.offer(token, "offer")
        assert refused.value.code == "media-down"
        await say(core, {"event": "hang_up"})
        assert state_of(core) is State.RESULTS
    NoLink().close("nothing")


async def test_a_lost_link_is_said_and_the_measure_goes_on(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        gate.open.clear()
        await call.ask("start", task="size")
        await until(call.core, lambda: gate.done == ["size"])
        call.core.consultation.moved(call.session, "lost")
        view = call.face.visit()
        assert (view["consultation"]["connected"], view["consultation"]["task"]) == (False, "size")
        assert view["running"] == ["size"]
        call.link.up = False
        call.core.consultation.link_moved()
        gate.open.set()
        await call.quiet()
        assert call.face.visit()["prompt"]["key"] == "consultation.connecting"
        call.link.up = True
        call.core.consultation.link_moved()
        assert call.face.visit()["prompt"]["key"] == "consultation.lost"
        await call.join()
        assert [each["measure"] for each in (await call.view())["outcomes"]] == ["bmi"]


async def test_a_dead_media_process_is_nobody_there(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        call.link.up = False
        assert call.face.visit()["consultation"]["connected"] is False
        call.core.consultation.link_moved()
        assert call.face.consultation(OTHER)["state"] == "taken"
        call.time.pass_by(GONE_S)
        assert call.face.consultation(OTHER)["state"] == "waiting"


async def test_words_about_a_call_that_is_not_ours_change_nothing(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        call.core.consultation.moved("another", "closed")
        assert call.core.consultation.connected


# --- the end ----------------------------------------------------------------------------------------------------


async def test_the_doctor_ends_it_for_both_sides_and_is_answered_before_the_call_is_closed(
    folder: Path, gate: Gate
) -> None:
    async with consulting(folder) as call:
        session = await call.join()
        gate.open.clear()
        await call.ask("start", task="size")
        await until(call.core, lambda: gate.done == ["size"])
        assert await call.ask("end") == {"ok": True}
        assert call.link.closed == []
        await asyncio.sleep(0)
        assert call.link.closed == [session]
        assert gate.stopped == ["scale"]
        assert state_of(call.core) is State.RESULTS
        assert call.core.directed is None
        assert {(each.name, each.why) for each in call.core.visit.outcomes if isinstance(each, NotMeasured)} == {
            (name, "interrupted") for name in ("weight", "height", "bmi")
        }
        assert call.face.consultation(DOCTOR)["state"] == "free"
        assert (await call.ask("end"))["code"] == "not-now"
        assert call.face.visit()["consultation"] is None


@pytest.mark.parametrize(
    ("word", "state"), [("hang_up", State.RESULTS), ("leave", State.GOODBYE), ("call_nurse", State.CONSULTATION)]
)
async def test_the_agent_s_way_out_closes_the_call_and_leaves_the_instruments_safe(
    folder: Path, gate: Gate, word: str, state: State
) -> None:
    async with consulting(folder) as call:
        session = await call.join()
        gate.open.clear()
        await call.ask("start", task="size")
        await until(call.core, lambda: gate.done == ["size"])
        await say(call.core, {"event": word})
        assert state_of(call.core) is state
        ended = state is not State.CONSULTATION
        assert call.link.closed == ([session] if ended else [])
        assert gate.stopped == (["scale"] if ended else [])
        assert len(call.core.visit.outcomes) == (3 if ended else 0)


async def test_a_visit_after_a_consultation_goes_its_ordinary_way(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.measured("size")
        await call.ask("end")
        await say(call.core, {"event": "show_results"}, {"event": "results_read"}, {"event": "back"})
        await say(call.core, {"event": "results_read"}, {"event": "ticket", "ticket": "none"})
        await say(call.core, {"event": "satisfaction", "answers": {}})
        await until(call.core, lambda: call.core.sealed)
        assert call.core.visit.ended_by == "completed"
        await say(call.core, {"event": "finish"})
        assert (call.core.visit.doctor, call.core.visit.reviews, call.core.visit.notes) == ("", {}, ())
        assert call.core.consultation.doctor is None


async def test_silence_is_expected_while_a_doctor_is_there_or_something_runs(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        core = call.core
        assert core._silence_allowed() == core_module.WAIT_FOR_DOCTOR_S
        await call.join()
        assert core._silence_allowed() is None
        gate.open.clear()
        await call.ask("start", task="size")
        await until(core, lambda: gate.done == ["size"])
        core.consultation.moved(call.session, "closed")
        assert core._silence_allowed() is None
        gate.open.set()
        await call.quiet()
        assert core._silence_allowed() == core_module.WAIT_FOR_DOCTOR_S
        await core._fell_silent()
        assert (state_of(core), core.visit.ended_by) == (State.GOODBYE, "left")


async def test_a_doctor_without_a_call_ends_it_all_the_same(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        session = await call.join()
        gate.open.clear()
        await call.ask("start", task="size")
        await until(call.core, lambda: gate.done == ["size"])
        call.core.consultation.moved(session, "closed")
        await call.face.end(DOCTOR)
        assert (state_of(call.core), gate.stopped) == (State.RESULTS, ["scale"])
        assert {each.name for each in call.core.visit.outcomes} == {"weight", "height", "bmi"}
        with pytest.raises(Refusal, match="over") as refused:
            await call.face.end(DOCTOR)
        assert refused.value.code == "not-now"


async def test_an_end_without_the_call_closes_the_call(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        session = await call.join()
        await call.face.end(DOCTOR)
        assert call.link.closed == [session]


async def test_only_the_doctor_who_has_the_consultation_ends_it(
    folder: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with consulting(folder) as call:
        for doctor, code in ((DOCTOR, "not-now"), (OTHER, "taken")):
            with pytest.raises(Refusal) as refused:
                await call.face.end(doctor)
            assert refused.value.code == code
            await call.join()

        def full(*_: object) -> None:
            raise JournalFull("The disk is full: free some space.")

        monkeypatch.setattr(call.core._open, "keep", full)
        with pytest.raises(Refusal, match="free some space") as refused:
            await call.face.end(DOCTOR)
        assert refused.value.code == "not-ready"
        assert state_of(call.core) is State.CONSULTATION


@pytest.mark.parametrize("end", [{"event": "hang_up"}, {"event": "leave"}, None])
async def test_what_a_full_disk_holds_up_is_kept_with_the_end_once(
    folder: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, end: Json | None
) -> None:
    monkeypatch.setattr(core_module, "STORE_RETRY_S", 0.05)
    async with consulting(folder) as call:
        await call.join()
        refused, keep = asyncio.Event(), call.core._open.keep

        def full(*_: object) -> None:
            refused.set()
            raise JournalFull("The disk is full: free some space.")

        monkeypatch.setattr(call.core._open, "keep", full)
        await call.ask("start", task="size")
        await refused.wait()
        monkeypatch.setattr(call.core._open, "keep", keep)
        await (say(call.core, end) if end else call.ask("end"))
        await asyncio.sleep(0.15)
        assert [(each.name, isinstance(each, NotMeasured)) for each in call.core.visit.outcomes] == [("bmi", False)]


async def test_a_value_that_is_stored_right_before_the_end_is_kept_once(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        async with call.core._turn:
            await call.ask("start", task="size")
            while call.core.directed is None or not call.core.directed.broken_off().outcomes:  # noqa: ASYNC110
                await asyncio.sleep(0)
            ending = asyncio.create_task(call.ask("end"))
            await asyncio.sleep(0)
        assert await ending == {"ok": True}
        assert [each.name for each in call.core.visit.outcomes] == ["bmi"]


# --- a killed core ----------------------------------------------------------------------------------------------


async def test_a_restart_finds_the_consultation_with_all_that_was_said(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.measured("size")
        await call.measured("pressure", sits=True)
        await call.ask("review", index=1, verdict="accepted", note="seated")
        await call.ask("review", index=0, verdict="rejected", note="shoes on")
        await call.ask("review", index=1, verdict=None, note="again")
        await call.ask("note", text="Comes back in a month.")
        await call.picture()
        before, tracks = call.core.visit, call.core._open.tracks()
        assert before.seated_s is not None
    async with running_core(folder) as core:
        assert core.visit == before
        assert core._open.tracks() == tracks
        call = Call(core)
        assert call.face.consultation(DOCTOR)["state"] == "yours"
        assert call.face.consultation(OTHER)["state"] == "taken"
        assert call.face.visit()["prompt"]["key"] == "consultation.lost"
        await call.join()
        view = await call.view()
        assert [each["review"] for each in view["outcomes"]] == [
            {"verdict": "rejected", "note": "shoes on"}, {"verdict": None, "note": "again"},
        ]  # fmt: skip
        assert [note["text"] for note in view["notes"]] == ["Comes back in a month."]
        await call.measured("pressure")
        assert [outcome.name for outcome in core.visit.outcomes] == ["bmi", "blood_pressure", "blood_pressure"]


async def test_a_restart_after_standing_up_asks_to_sit_again(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.measured("ecg", sits=True)
        await call.measured("size")
        assert call.core.visit.seated_s is None
    async with running_core(folder) as core:
        call = Call(core)
        await call.join()
        await call.measured("ecg", sits=True)


async def test_a_defect_costs_one_order_and_not_the_consultation(
    folder: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with consulting(folder) as call:
        await call.join()
        directed = call.core.directed
        assert directed is not None
        kept = directed._tell

        async def broken(_: object) -> None:
            raise RuntimeError("PERSON")

        monkeypatch.setattr(directed, "_tell", broken)
        await call.ask("start", task="size")
        await until(call.core, lambda: directed.order is None)
        monkeypatch.setattr(directed, "_tell", kept)
        await call.measured("size")
        assert [outcome.name for outcome in call.core.visit.outcomes] == ["bmi"]
        assert "RuntimeError" in caplog.text
        assert "PERSON" not in caplog.text


async def test_no_account_and_no_word_of_a_doctor_is_in_a_log(
    folder: Path, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with consulting(folder) as call:
        await call.join()
        await call.ask("note", text="CANARY")
        await call.picture(camera="CANARY", site="CANARY")
        await call.ask("end")
    assert "CANARY" not in caplog.text
    assert DOCTOR not in caplog.text


# --- the cabin as its staff sees it -----------------------------------------------------------------------------


async def test_the_staff_sees_the_cabin_and_nobody_in_it(folder: Path, gate: Gate) -> None:
    async with consulting(folder) as call:
        await call.join()
        await call.measured("size")
        view = call.face.cabin()
        assert set(view) == {
            "state", "to_clean", "cleaned", "nurse_called", "warnings", "may", "media", "instruments", "simulated",
            "name",
        }  # fmt: skip
        assert (view["state"], view["may"], view["to_clean"], view["cleaned"]) == ("consultation", [], [], [])
        assert [{*each} for each in view["instruments"]] == [{"name", "kind", "state", "reason"}] * 2
        assert DOCTOR not in repr(view)
        assert wrong("Cabin", {**view, "build": "of the pages"}) == []
        await say(call.core, {"event": "leave"})
        await until(call.core, lambda: call.core.sealed)
        await say(call.core, {"event": "finish"}, {"event": "tick", "instrument": "scale"})
        view = call.face.cabin()
        assert (view["to_clean"], view["cleaned"], view["may"]) == (["oximeter"], ["scale"], ["tick", "out_of_order"])
