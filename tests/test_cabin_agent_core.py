"""The core: effects of the table, resume after a restart, sealing, forgetting, and the person's silence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from cabin_agent import core as core_module
from cabin_agent.core import Core
from cabin_agent.core_face import CoreFace
from cabin_agent.delivery import DeliveryError
from cabin_agent.face import Refusal
from cabin_agent.instruments import Instruments
from cabin_agent.journal import JournalFull
from cabin_agent.measuring.bedside import Bedside
from cabin_agent.measuring.tasks import CONDUCT, Conduct
from cabin_agent.plan import TASKS, TaskName
from cabin_agent.results import Device, Evidence, Measure, Outcome, Quantity
from cabin_agent.visit import EXCLUSIONS
from cabin_agent.visit_table import Effect, State
from sync.outbox import Counts, Room
from tests.core_bench import CODE, CONSULTATION, UP_TO, come_to, prepare, running_core, say, until
from tests.fake_face import CONTRACT, WEB, problems_of

DEVICE = Device("scale", "healthometer", "model", None, None, True)
PROOF = Evidence("good", (), DEVICE, 1, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every task measures at once; the list holds what was measured, in order."""
    done: list[str] = []

    def conduct(task: TaskName) -> Conduct:
        async def measure(bedside: Bedside, _: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
            done.append(task)
            bedside.packed.append(b"\xa0")
            if task == "pressure":
                values = {"systolic": Quantity(121.0, "mm[Hg]"), "diastolic": Quantity(79.0, "mm[Hg]")}
                return (Measure("blood_pressure", values, PROOF),)
            name = TASKS[task].yields[-1]
            return (Measure(name, {"value": Quantity(36.6 if name == "temperature" else 60.0, "1")}, PROOF),)

        return measure

    for task in CONDUCT:
        monkeypatch.setitem(CONDUCT, task, conduct(task))
    monkeypatch.setattr(Instruments, "usable", lambda self, kind: True)
    monkeypatch.setattr(Instruments, "present", lambda self, kind: True)
    return done


async def test_a_visit_from_the_first_touch_to_ready_again(folder: Path, measured: list[str]) -> None:
    async with running_core(folder) as core:
        await come_to(core, "measures")
        await until(core, lambda: core.conductor is not None and core.conductor.waiting_to_sit)
        await say(core, {"event": "seated"})
        await until(core, lambda: core.visit.state is State.RESULTS)
        assert measured == ["size", "pressure", "pressure", "pressure", "oximetry", "temperature", "ecg", "hearing"]
        await say(core, {"event": "show_results"}, {"event": "results_read"}, {"event": "ticket", "ticket": "none"})
        await say(core, {"event": "satisfaction", "answers": {"easy": 4}})
        await until(core, lambda: core.sealed)
        waiting = {"connected": False, "pending": 2, "quarantined": 0, "damaged": 0}
        assert core.delivery.status() == waiting
        await say(core, {"event": "finish"})
        assert state_of(core) is State.CLEANING
        assert core.visit.subject is None
        await say(core, {"event": "tick", "instrument": "scale"}, {"event": "tick", "instrument": "oximeter"})
        assert state_of(core) is State.READY


async def test_every_view_of_a_visit_is_as_the_contract_says(folder: Path, measured: list[str]) -> None:
    async with running_core(folder) as core:
        face = CoreFace(core)
        seen: set[str] = set()

        def look() -> None:
            seen.add(core.visit.state.value)
            assert wrong("Visit", {**face.visit(), **WEB}) == []
            assert wrong("Status", {**face.status(), "build": WEB["build"]}) == []
            assert [wrong("Instrument", each) for each in face.instruments()] == [[], []]
            assert [p for each in face.deliveries(10) for p in wrong("Delivery", each)] == []

        for state in ("welcome", "code", "information", "consent_measures", "exclusions", "measures"):
            look()
            await say(core, *UP_TO[state])
        look()
        await until(core, lambda: core.conductor is not None and core.conductor.waiting_to_sit)
        look()
        await say(core, {"event": "seated"})
        await until(core, lambda: core.visit.state is State.RESULTS)
        look()
        await say(core, {"event": "show_results"})
        assert wrong("Results", face.results()) == []
        await say(core, {"event": "results_read"})
        look()
        await say(core, {"event": "ticket", "ticket": "none"})
        look()
        await say(core, {"event": "satisfaction", "answers": {}})
        await until(core, lambda: core.sealed)
        look()
        await say(core, {"event": "finish"})
        look()
        await say(core, {"event": "out_of_order"})
        look()
        assert seen == {state.value for state in State} - {"consent_remote", "consultation", "stopped"}


def state_of(core: Core) -> State:
    """The state now; a function, so that no checker believes that it stays."""
    return core.visit.state


def wrong(schema: str, value: object) -> list[str]:
    """What is wrong with `value` by a schema of docs/api.yaml."""
    return problems_of(value, CONTRACT["components"]["schemas"][schema])


@pytest.mark.parametrize("state", ["welcome", "code", "information", "consent_measures", "exclusions"])
async def test_a_restart_finds_the_visit_where_it_was(folder: Path, state: str) -> None:
    async with running_core(folder) as core:
        await come_to(core, state)
        before = core.visit
    async with running_core(folder) as core:
        assert core.visit == before
        assert core.visit.state.value == state


async def test_a_restart_in_the_measures_goes_on_with_what_is_left(
    folder: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(folder) as core:
        await come_to(core, "measures")
        await until(core, lambda: core.conductor is not None and core.conductor.waiting_to_sit)
        outcomes = core.visit.outcomes
        assert [outcome.name for outcome in outcomes] == ["bmi"]
    async with running_core(folder) as core:
        assert core.visit.outcomes == outcomes
        await until(core, lambda: core.conductor is not None and core.conductor.waiting_to_sit)
        assert measured == ["size"]
        await say(core, {"event": "seated"})
        await until(core, lambda: core.visit.state is State.RESULTS)
        assert measured.count("size") == 1


async def test_a_restart_at_good_bye_seals_once(folder: Path) -> None:
    async with running_core(folder) as core:
        await come_to(core, "consent_measures")
        await say(core, {"event": "decline"})
        await until(core, lambda: core.sealed)
        assert core.delivery.status()["pending"] == 1
    async with running_core(folder) as core:
        assert state_of(core) is State.GOODBYE
        await until(core, lambda: core.sealed)
        assert core.delivery.status()["pending"] == 1
        assert core.visit.ended_by == "refused"


async def test_nobody_named_nothing_delivered(folder: Path) -> None:
    async with running_core(folder) as core:
        await come_to(core, "code")
        await say(core, {"event": "leave"})
        await until(core, lambda: core.sealed)
        assert core.delivery.status()["pending"] == 0


async def test_a_red_flag_stops_and_calls_the_nurse(folder: Path) -> None:
    async with running_core(folder) as core:
        with core.broadcast.watch(waves=False) as events:
            await come_to(core, "exclusions")
            with pytest.raises(Refusal, match="Every question"):
                await say(core, {"event": "answers", "answers": {"chest-pain": False}})
            flags = {**dict.fromkeys(EXCLUSIONS, False), "chest-pain": True}
            await say(core, {"event": "answers", "answers": flags})
            async for event in events:
                if isinstance(event, dict) and event["type"] == "nurse":
                    break
        assert state_of(core) is State.STOPPED
        await say(core, {"event": "nurse_came"})
        await until(core, lambda: core.sealed)
        assert core.visit.ended_by == "stopped"
        assert core.delivery.status()["pending"] == 1


async def test_three_wrong_codes_end_the_visit(folder: Path) -> None:
    async with running_core(folder) as core:
        await come_to(core, "code")
        for _ in range(3):
            await say(core, {"event": "code", "value": "000000"})
        assert state_of(core) is State.GOODBYE
        assert core.visit.nurse_called


async def test_a_consultation_asks_for_the_remote_act(folder: Path) -> None:
    async with running_core(folder) as core:
        await come_to(core, "code")
        await say(core, {"event": "code", "value": CONSULTATION}, {"event": "informed"}, {"event": "agree"})
        assert state_of(core) is State.CONSENT_REMOTE
        await say(core, {"event": "decline"})
        assert state_of(core) is State.EXCLUSIONS
        assert [(c.subject, c.given) for c in core.visit.consents] == [
            ("information", True), ("measures", True), ("remote-act", False),
        ]  # fmt: skip


async def test_a_full_journal_refuses_and_moves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_core(folder) as core:
        await come_to(core, "code")

        def full(*_: object) -> None:
            raise JournalFull("The disk is full: free some space.")

        monkeypatch.setattr(core._open, "keep", full)
        with pytest.raises(Refusal, match="full") as refusal:
            await say(core, {"event": "code", "value": CODE})
        assert refusal.value.code == "not-ready"
        assert state_of(core) is State.CODE


async def test_a_full_outbox_refuses_a_new_visit(folder: Path) -> None:
    async with running_core(folder, Room(quota=1000, reserve=1000)) as core:
        core.delivery._outbox._count = Counts(pending=1, quarantined=0, used=1)
        with pytest.raises(Refusal, match="not delivered"):
            await say(core, {"event": "begin"})
        assert state_of(core) is State.READY


async def test_a_visit_that_was_let_in_is_sealed_although_the_quota_is_reached_meanwhile(folder: Path) -> None:
    quota = 1 << 20
    async with running_core(folder, Room(quota, reserve=1000, over=1 << 20)) as core:
        await come_to(core, "exclusions")
        core.delivery._outbox._count = Counts(pending=0, quarantined=0, used=quota)
        await say(core, {"event": "leave"})
        await until(core, lambda: core.sealed)
        assert core.delivery.status()["pending"] == 1
        assert core.delivery._outbox.counts().used > quota
        assert not core.delivery.accepts_visit()


async def test_sealing_is_tried_until_it_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [DeliveryError("The disk is full.")]
    monkeypatch.setattr(core_module, "STORE_RETRY_S", 0.01)
    async with running_core(folder) as core:
        sealed = core.delivery.seal

        async def seal(*args: object) -> None:
            if failures:
                raise failures.pop()
            await sealed(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(core.delivery, "seal", seal)
        await come_to(core, "consent_measures")
        await say(core, {"event": "decline"})
        with pytest.raises(Refusal, match="sealed"):
            await say(core, {"event": "finish"})
        await until(core, lambda: core.sealed)
        assert failures == []
        assert core.delivery.status()["pending"] == 1


async def test_silence_ends_the_visit(folder: Path) -> None:
    async with running_core(folder) as core:
        await come_to(core, "consent_measures")
        await core._fell_silent()
        assert state_of(core) is State.GOODBYE
        assert core.visit.ended_by == "left"
        await until(core, lambda: core.sealed)
        await core._fell_silent()
        assert state_of(core) is State.CLEANING


async def test_where_silence_is_expected(folder: Path) -> None:
    async with running_core(folder) as core:
        allowed = {}
        for state in State:
            core.visit = replace(core.visit, state=state)
            allowed[state] = core._silence_allowed()
        assert {state for state, limit in allowed.items() if limit is None} == {
            State.READY, State.MEASURES, State.GOODBYE, State.STOPPED, State.CLEANING, State.OUT_OF_ORDER,
        }  # fmt: skip
        assert allowed[State.CONSULTATION] == core_module.WAIT_FOR_DOCTOR_S


async def test_results_stay_hidden_until_they_are_asked_for(folder: Path) -> None:
    async with running_core(folder) as core:
        with pytest.raises(Refusal, match="hidden"):
            CoreFace(core).results()


async def test_commands_are_for_a_cabin_without_a_visit(folder: Path) -> None:
    async with running_core(folder) as core:
        face = CoreFace(core)
        with pytest.raises(Refusal) as unknown:
            await face.command("kettle", "start")
        assert unknown.value.code == "unknown-instrument"
        with pytest.raises(Refusal, match="not connected") as absent:
            await face.command("scale", "start")
        assert absent.value.code == "not-ready"
        await come_to(core, "welcome")
        with pytest.raises(Refusal) as busy:
            await face.command("scale", "stop")
        assert busy.value.code == "busy"


async def test_skipping_while_the_agent_is_asked_to_sit(folder: Path, measured: list[str]) -> None:
    async with running_core(folder) as core:
        await come_to(core, "measures")
        await until(core, lambda: core.conductor is not None and core.conductor.waiting_to_sit)
        with pytest.raises(Refusal):
            await say(core, {"event": "skip", "task": "size"})
        await say(core, {"event": "skip", "task": "hearing"})
        await until(core, lambda: core.visit.outcomes[-1].name == "hearing")
        await until(core, lambda: core.conductor is not None and core.conductor.waiting_to_sit)
        await say(core, {"event": "seated"})
        await until(core, lambda: core.visit.state is State.RESULTS)
        assert "hearing" not in measured


async def test_leaving_in_the_middle_of_the_measures(folder: Path, measured: list[str]) -> None:
    async with running_core(folder) as core:
        await come_to(core, "measures")
        await until(core, lambda: core.conductor is not None and core.conductor.waiting_to_sit)
        await asyncio.gather(say(core, {"event": "leave"}))
        assert core.conductor is None
        await until(core, lambda: core.sealed)
        assert core.visit.ended_by == "refused"


async def test_the_core_stops_with_nothing_running(folder: Path, measured: list[str]) -> None:
    async with running_core(folder) as core:
        await come_to(core, "measures")
        conducting = core._conducting
    assert conducting is not None
    assert conducting.done()
    assert not [task for task in asyncio.all_tasks() if task.get_name() in ("measures", "sealing", "idle")]


def test_every_effect_has_its_deed() -> None:
    assert set(core_module.EFFECTS) == set(Effect)
    assert all(callable(getattr(Core, deed.__name__)) for deed in core_module.EFFECTS.values())
