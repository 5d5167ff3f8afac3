"""A doctor whose account is taken away, made anew or left by everybody does not stay in the call."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cabin_agent import call_watch as module
from cabin_agent.access import Access
from cabin_agent.call_watch import CallWatch
from cabin_agent.face import Refusal
from cabin_agent.visit_table import State
from tests.consulting import DOCTOR, OTHER, Gate, consulting, gated, state_of
from tests.core_bench import prepare, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def access(folder: Path) -> Access:
    access = Access(folder / "state" / "access.json")
    access.grant(DOCTOR, "doctor")
    return access


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return gated(monkeypatch)


@pytest.mark.parametrize("how", ["revoke", "grant anew", "another role", "damage"])
async def test_an_account_that_is_not_what_it_was_has_no_call(
    folder: Path, access: Access, gate: Gate, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    elsewhere = Access(folder / "state" / "access.json")
    async with consulting(folder) as call:
        watching = asyncio.create_task(CallWatch(call.core.consultation, access).run())
        session = await call.join()
        gate.open.clear()
        await call.ask("start", task="size")
        await asyncio.sleep(0.05)
        assert call.core.consultation.connected
        match how:
            case "revoke":
                elsewhere.revoke(DOCTOR)
            case "grant anew":
                elsewhere.grant(DOCTOR, "doctor")
            case "another role":
                elsewhere.grant(DOCTOR, "nurse")
            case _:
                (folder / "state" / "access.json").write_text(json.dumps([]))
        await until(call.core, lambda: call.core.consultation.doctor is None)
        assert call.link.closed == [session]
        view = call.face.visit()
        assert (view["consultation"]["connected"], view["running"]) == (False, ["size"])
        assert call.face.consultation(OTHER)["state"] == "waiting"
        assert (await call.ask("view"))["code"] == "not-now"
        gate.open.set()
        await call.quiet()
        assert call.face.visit()["prompt"]["key"] == "state.consultation"
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_token_of_a_doctor_who_is_gone_opens_no_call(folder: Path, access: Access, gate: Gate) -> None:
    async with consulting(folder) as call:
        watch = CallWatch(call.core.consultation, access)
        token = (await call.face.join(DOCTOR))["token"]
        watch.look()
        access.revoke(DOCTOR)
        watch.look()
        with pytest.raises(Refusal) as refused:
            await call.face.offer(token, "offer")
        assert refused.value.code == "bad-token"


async def test_whoever_signs_out_of_the_last_session_leaves_the_call(
    folder: Path, access: Access, gate: Gate
) -> None:
    codes = {name: access.grant(name, role).code for name, role in ((DOCTOR, "doctor"), ("ada", "nurse"))}  # type: ignore[arg-type]
    async with consulting(folder) as call:
        watch = CallWatch(call.core.consultation, access)
        first, second = [await access.sign_in(DOCTOR, codes[DOCTOR], "doctor") for _ in range(2)]
        nurse = await access.sign_in("ada", codes["ada"], "nurse")
        session = await call.join()
        watch.look()
        for token in (nurse, first, first, "unknown"):
            access.sign_out(token)
        watch.look()
        assert call.core.consultation.connected
        access.sign_out(second)
        assert call.link.closed == [session]
        assert (call.core.consultation.doctor, state_of(call.core)) == (None, State.CONSULTATION)
        await call.join()
        watch.look()
        assert call.core.consultation.connected


async def test_an_offer_that_is_under_way_is_not_let_through(folder: Path, access: Access, gate: Gate) -> None:
    async with consulting(folder) as call:
        call.link.answers.clear()
        token = (await call.face.join(DOCTOR))["token"]
        offering = asyncio.create_task(call.face.offer(token, "offer"))
        await call.link.offered.wait()
        call.core.consultation.dismiss(OTHER)
        call.core.consultation.dismiss(DOCTOR)
        call.link.answers.set()
        with pytest.raises(Refusal) as refused:
            await offering
        assert refused.value.code == "not-now"
        assert call.core.visit.doctor == ""


async def test_where_there_is_no_consultation_nothing_happens(folder: Path, access: Access, gate: Gate) -> None:
    async with consulting(folder) as call:
        watch = CallWatch(call.core.consultation, access)
        access.revoke(DOCTOR)
        watch.look()
        assert call.link.closed == []
